import { erfcxValue, erfValue } from "@anabranch/engine";

/** ln erfc(x) for any x, without underflow in the upper tail. */
export function logErfc(x: number): number {
  return x <= 0 ? Math.log1p(erfValue(-x)) : Math.log(erfcxValue(x)) - x * x;
}

/** ln Phi(x), Phi the standard normal distribution function. */
export function logNormalCdf(x: number): number {
  return logErfc(-x * Math.SQRT1_2) - Math.LN2;
}

/** The smaller of Phi(x) and Phi(-x), to full relative precision. */
export function normalTail(x: number): number {
  const y = Math.abs(x) * Math.SQRT1_2;
  return 0.5 * Math.exp(-y * y) * erfcxValue(y);
}

/** ln(e^a + e^b). */
export function logAddExp(a: number, b: number): number {
  const larger = Math.max(a, b);
  if (Math.abs(larger) === Number.POSITIVE_INFINITY) return larger;
  return larger + Math.log1p(Math.exp(-Math.abs(a - b)));
}

/** ln(e^x - 1) for x >= 0. */
export function logExpm1(x: number): number {
  return x > 1 ? x + Math.log1p(-Math.exp(-x)) : Math.log(Math.expm1(x));
}

/** ln of the sum of e^x over the first `length` entries of `terms`. */
export function logSumExp(terms: Float64Array, length = terms.length): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < length; i++) largest = Math.max(largest, terms[i]!);
  if (Math.abs(largest) === Number.POSITIVE_INFINITY) return largest;
  let sum = 0;
  for (let i = 0; i < length; i++) sum += Math.exp(terms[i]! - largest);
  return largest + Math.log(sum);
}

/** ln k! for k = 0 .. n, [n + 1]. */
export function logFactorials(n: number): Float64Array {
  const logs = new Float64Array(n + 1);
  for (let k = 2; k <= n; k++) logs[k] = logs[k - 1]! + Math.log(k);
  return logs;
}
