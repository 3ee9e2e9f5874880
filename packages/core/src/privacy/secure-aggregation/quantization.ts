import type { RandomStream } from "../../random/index.ts";
import { refuse } from "./refusal.ts";

/** How real vectors become integers that can be added under masks. */
export interface Quantization {
  /** Values are clipped to [-range, range]. */
  readonly range: number;
  /** Bits of a client's value, 1 to 31: it is an integer from 0 to 2^bits - 1. */
  readonly bits: number;
  /** Weights lie in (0, maxWeight]. */
  readonly maxWeight: number;
  readonly rounding: "stochastic" | "nearest";
}

/**
 * Largest integer that a client's value can have: 2^bits - 1.
 *
 * @example
 * ```ts
 * import { levels } from "@anabranch/core/secure-aggregation";
 * levels({ range: 1, bits: 16, maxWeight: 1, rounding: "nearest" }); // => 65535
 * ```
 */
export function levels({ bits }: Quantization): number {
  return 2 ** bits - 1;
}

/**
 * The smallest b for which the sum over `clients` of values up to `maximum` stays below 2^b. Refuses (`overflow`) more
 * than 32: a sum is never wrapped.
 *
 * @example
 * ```ts
 * import { modulusBits } from "@anabranch/core/secure-aggregation";
 * modulusBits(100, 2 ** 16 - 1); // => 23
 * ```
 */
export function modulusBits(clients: number, maximum: number): number {
  const bits = Math.ceil(Math.log2(clients * maximum + 1));
  if (bits > 32) {
    refuse("overflow", "the sum of a cohort does not fit 32 bits", {
      received: `${clients} clients with values up to ${maximum}`,
      expected: `values up to ${Math.floor((2 ** 32 - 1) / clients)}`,
      advice: "Choose fewer bits for a value or a smaller cohort.",
    });
  }
  return bits;
}

/**
 * A vector and its weight as integers, [d + 1]; the last is the weight. With L = 2^bits - 1 and the weight
 * w' = max(1, round(weight / maxWeight L)) in units of maxWeight / L, a value x becomes
 *
 *     q = round((clip(x) w' / L + range) L / (2 range))
 *
 * so that the sums of all q and of all w' give the weighted mean, and no weight is seen alone. Stochastic rounding goes
 * up with the probability of what is cut off: it is right on average. Refuses a vector that is not finite
 * (`not-finite`) and a weight outside (0, maxWeight] (`weight`).
 *
 * @example
 * ```ts
 * import { quantize } from "@anabranch/core/secure-aggregation";
 * import { randomStream, rootKey } from "@anabranch/core";
 * const rule = { range: 1, bits: 16, maxWeight: 1, rounding: "nearest" } as const;
 * quantize([0, 0.5], 1, rule, randomStream(rootKey(1))).length; // => 3
 * ```
 */
export function quantize(
  values: ArrayLike<number>,
  weight: number,
  rule: Quantization,
  stream: RandomStream,
): Uint32Array {
  checkQuantization(rule);
  if (!(weight > 0 && weight <= rule.maxWeight)) {
    const details = { received: `${weight}`, expected: `more than 0 and at most ${rule.maxWeight}` };
    refuse("weight", "a weight is outside its range", details);
  }
  const { range } = rule;
  const top = levels(rule);
  const whole = Math.max(1, Math.round((weight / rule.maxWeight) * top));
  const share = whole / top;
  const scale = top / (2 * range);
  const stochastic = rule.rounding === "stochastic";
  const out = new Uint32Array(values.length + 1);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) {
      const details = { where: `value ${i}`, received: `${value}` };
      refuse("not-finite", "a vector that is not finite cannot be added", details);
    }
    const clipped = Math.min(range, Math.max(-range, value));
    const threshold = stochastic ? stream.uint32() / 2 ** 32 : 0.5;
    out[i] = Math.min(top, Math.floor((clipped * share + range) * scale + threshold));
  }
  out[values.length] = whole;
  return out;
}

/**
 * The weighted mean [d] and the sum of weights, from the sum [d + 1] over `survivors` clients.
 *
 * @example
 * ```ts
 * import { dequantizeMean, quantize } from "@anabranch/core/secure-aggregation";
 * import { randomStream, rootKey } from "@anabranch/core";
 * const rule = { range: 1, bits: 16, maxWeight: 1, rounding: "nearest" } as const;
 * const sum = quantize([0, 0.5], 1, rule, randomStream(rootKey(1))); // of one client
 * dequantizeMean(sum, 1, rule).mean; // => [1.5259e-05, 0.49999]
 * ```
 */
export function dequantizeMean(
  sum: Uint32Array,
  survivors: number,
  rule: Quantization,
): { mean: Float64Array; weight: number } {
  const top = levels(rule);
  const size = sum.length - 1;
  const whole = sum[size]!;
  const mean = new Float64Array(size);
  // Each q is off by the share of `range` that keeps it from being negative: range L / (2 range) = L / 2 a client.
  for (let i = 0; i < size; i++) mean[i] = (((2 * sum[i]!) / top - survivors) * rule.range * top) / whole;
  return { mean, weight: (whole * rule.maxWeight) / top };
}

function checkQuantization({ range, bits, maxWeight }: Quantization): void {
  if (Number.isInteger(bits) && bits >= 1 && bits <= 31 && positive(range) && positive(maxWeight)) return;
  refuse("quantization", "values cannot be quantised so", {
    received: `range ${range}, ${bits} bits, weights up to ${maxWeight}`,
    expected: "a positive range, 1 to 31 bits, a positive largest weight",
  });
}

function positive(value: number): boolean {
  return Number.isFinite(value) && value > 0;
}
