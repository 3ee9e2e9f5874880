import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Quantization } from "../secure-aggregation/quantization.ts";
import { decodeMetrics, encodeMetrics, metricCount } from "./metrics.ts";

const ruleOf = (bits: number): Quantization => ({ range: 1, bits, maxWeight: 1, rounding: "nearest" });

const metrics = fc.record({
  examples: fc.nat({ max: 2 ** 31 }),
  steps: fc.nat({ max: 2 ** 31 }),
  loss: fc.double({ min: -4000, max: 1e6, noNaN: true }),
});

function summed(all: readonly Float64Array[]): Float64Array {
  return all[0]!.map((_, i) => all.reduce((sum, digits) => sum + digits[i]!, 0));
}

describe("metrics in a sum of integers", () => {
  it("come back as sums, whatever the bits of a digit", () => {
    fc.assert(
      fc.property(fc.array(metrics, { minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 31 }), (all, bits) => {
        const rule = ruleOf(bits);
        const digits = all.map((one) => encodeMetrics(one, rule));
        for (const one of digits) {
          expect(one.length).toBe(metricCount(rule));
          expect(one.every((digit) => Number.isInteger(digit) && digit >= 0 && digit < 2 ** bits)).toBe(true);
        }
        const sums = decodeMetrics(summed(digits), all.length, rule);
        expect(sums.examples).toBe(all.reduce((sum, { examples }) => sum + examples, 0));
        expect(sums.steps).toBe(all.reduce((sum, { steps }) => sum + steps, 0));
        const loss = all.reduce((sum, one) => sum + one.loss, 0);
        expect(Math.abs(sums.loss - loss)).toBeLessThanOrEqual(all.length * 2 ** -17 + 1e-9 * Math.abs(loss));
      }),
    );
  });

  it("bound losses that are out of range", () => {
    const rule = ruleOf(16);
    const lossOf = (loss: number) => decodeMetrics(encodeMetrics({ examples: 1, steps: 1, loss }, rule), 1, rule).loss;
    expect(lossOf(1e12)).toBeCloseTo(2 ** 24 - 2 ** 12, 3);
    expect(lossOf(-1e12)).toBe(-(2 ** 12));
  });
});
