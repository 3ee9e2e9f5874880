import fc from "fast-check";
import { expect, it } from "vitest";
import { createFft } from "./fft.ts";

const numbers = (length: number) =>
  fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: length, maxLength: length });

it("is the sum it stands for", () => {
  fc.assert(
    fc.property(numbers(32), numbers(32), (x, y) => {
      const re = Float64Array.from(x);
      const im = Float64Array.from(y);
      createFft(32).forward(re, im);
      for (let k = 0; k < 32; k++) {
        let [a, b] = [0, 0];
        for (let n = 0; n < 32; n++) {
          // Reduced, so that the angle is right to the last bit: 31 turns of rounding would be seen.
          const angle = (-2 * Math.PI * ((k * n) % 32)) / 32;
          a += x[n]! * Math.cos(angle) - y[n]! * Math.sin(angle);
          b += x[n]! * Math.sin(angle) + y[n]! * Math.cos(angle);
        }
        expect(Math.abs(re[k]! - a)).toBeLessThan(1e-13);
        expect(Math.abs(im[k]! - b)).toBeLessThan(1e-13);
      }
    }),
    { numRuns: 20 },
  );
});

it.each([2, 4, 1024, 65_536])("of size %i is undone by its inverse", (size) => {
  const x = Float64Array.from({ length: size }, (_, i) => Math.sin(i * i));
  const y = Float64Array.from({ length: size }, (_, i) => Math.cos(3 * i));
  const [re, im] = [x.slice(), y.slice()];
  const fft = createFft(size);
  fft.forward(re, im);
  fft.inverse(re, im);
  for (let i = 0; i < size; i++) {
    if (Math.abs(re[i]! - x[i]!) > 1e-14 || Math.abs(im[i]! - y[i]!) > 1e-14) expect.fail(`entry ${i} differs`);
  }
});
