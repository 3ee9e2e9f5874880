import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { resizeImage } from "./resize.ts";

const grey = (width: number, height: number, data: number[]) =>
  ({ channels: 1, width, height, data: Uint8Array.from(data) }) as const;

describe("resizeImage", () => {
  it("takes means over what a pixel covers", () => {
    expect([...resizeImage(grey(4, 2, [0, 2, 10, 20, 4, 6, 30, 41]), { width: 2, height: 1 }).data]).toEqual([3, 25]);
    // three pixels to two: (2 * 0 + 90) / 3 and (90 + 2 * 30) / 3
    expect([...resizeImage(grey(3, 1, [0, 90, 30]), { width: 2, height: 1 }).data]).toEqual([30, 50]);
    expect([...resizeImage(grey(2, 1, [7, 9]), { width: 4, height: 2 }).data]).toEqual([7, 7, 9, 9, 7, 7, 9, 9]);
    // halves go up
    expect([...resizeImage(grey(2, 1, [0, 1]), { width: 1, height: 1 }).data]).toEqual([1]);
  });

  it("keeps channels apart, and an image of this size as it is", () => {
    const colour = { channels: 3, width: 2, height: 1, data: Uint8Array.of(0, 10, 20, 30, 40, 50) } as const;
    expect([...resizeImage(colour, { width: 1, height: 1 }).data]).toEqual([5, 25, 45]);
    expect(resizeImage(colour, { width: 2, height: 1 })).toBe(colour);
  });

  it("keeps a flat image flat, and stays within the values of any other", () => {
    const size = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(
        size,
        size,
        size,
        size,
        fc.array(fc.nat(255), { minLength: 81, maxLength: 81 }),
        (w, h, a, b, values) => {
          const data = values.slice(0, w * h);
          const resized = resizeImage(grey(w, h, data), { width: a, height: b }).data;
          expect(Math.min(...resized)).toBeGreaterThanOrEqual(Math.min(...data));
          expect(Math.max(...resized)).toBeLessThanOrEqual(Math.max(...data));
          expect([...resizeImage(grey(w, h, data.fill(200)), { width: a, height: b }).data]).toEqual(
            Array(a * b).fill(200),
          );
        },
      ),
    );
  });
});
