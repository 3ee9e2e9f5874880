import { levels, type Quantization } from "../secure-aggregation/quantization.ts";

/** What is learned of the training of all clients in a sum together. */
export interface MetricSums {
  readonly examples: number;
  readonly steps: number;
  /** Of the clients' mean training losses. */
  readonly loss: number;
}

const COUNT_BITS = 32;
/** Losses lie in [-2^12, 2^24 - 2^12), in steps of 2^-16; those beyond count as the nearest. */
const LOSS_BITS = 40;
const LOSS_SCALE = 2 ** 16;
const LOSS_OFFSET = 2 ** 12;

const METRICS = [
  ["examples", COUNT_BITS],
  ["steps", COUNT_BITS],
  ["loss", LOSS_BITS],
] as const;

/** Integers that the metrics of a client take: digits in base 2^bits, so that each fits beside the values of its update. */
export function metricCount({ bits }: Quantization): number {
  return METRICS.reduce((sum, [, width]) => sum + digitCount(width, bits), 0);
}

/**
 * The metrics of a client as integers from 0 to 2^bits - 1, [metricCount], lowest digit first. Their sums over clients are
 * exact, but for losses rounded to 2^-16.
 */
export function encodeMetrics({ examples, steps, loss }: MetricSums, rule: Quantization): Float64Array {
  const values = { examples, steps, loss: Math.round((loss + LOSS_OFFSET) * LOSS_SCALE) };
  const base = levels(rule) + 1;
  const digits: number[] = [];
  for (const [name, width] of METRICS) {
    let rest = Math.min(2 ** width - 1, Math.max(0, values[name]));
    for (let i = digitCount(width, rule.bits); i > 0; i--) {
      digits.push(rest % base);
      rest = Math.floor(rest / base);
    }
  }
  return Float64Array.from(digits);
}

/** The sums of the metrics of so many clients. @param digits [metricCount], each the sum of one digit */
export function decodeMetrics(digits: ArrayLike<number>, clients: number, rule: Quantization): MetricSums {
  const base = levels(rule) + 1;
  const sums = { examples: 0, steps: 0, loss: 0 };
  let at = 0;
  for (const [name, width] of METRICS) {
    for (let i = 0; i < digitCount(width, rule.bits); i++) sums[name] += digits[at++]! * base ** i;
  }
  return { ...sums, loss: sums.loss / LOSS_SCALE - clients * LOSS_OFFSET };
}

function digitCount(width: number, bits: number): number {
  return Math.ceil(width / bits);
}
