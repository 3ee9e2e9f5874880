import { erfcxValue } from "@anabranch/engine";
import { logErfc } from "./special-functions.ts";

/** Terms below e^-30 of a sum of at least 1 are beyond its digits. */
const NEGLIGIBLE = -30;

/**
 * ln A of the Poisson-subsampled Gaussian at any order as two series of generalised binomials, the integral split where
 * the two parts of the mixture are equal (arXiv:1908.10530, Section 3.3, equations of A_alpha for fractional alpha).
 * Terms alternate from k > order on and fall like k^-(order + 1): many are needed where noise is large and order near 1.
 *
 * @param q sampling rate in (0, 1)
 * @param sigma noise multiplier > 0
 * @param order above 1
 */
export function sampledGaussianSeries(q: number, sigma: number, order: number): number {
  const taken = Math.log(q);
  const left = Math.log1p(-q);
  const split = 0.5 + sigma * sigma * (left - taken);
  // Beyond the split the exponents of power and erfc cancel but for this, at any power: with little noise both are huge.
  const rest = order * left - (split * split) / (2 * sigma * sigma);
  const part = (power: number, weight: number, beyond: number) => {
    const x = beyond / (Math.SQRT2 * sigma);
    const log =
      x > 0 ? rest + Math.log(erfcxValue(x)) : weight + (power * power - power) / (2 * sigma * sigma) + logErfc(x);
    return log - Math.LN2;
  };
  let sum = 0;
  // Kept over a common scale: exponents of terms are convex in k, so those of k = 0 and of k = order bound all.
  const scale = Math.max(0, order * taken + (order * order - order) / (2 * sigma * sigma));
  let logBinomial = 0;
  let sign = 1;
  for (let k = 0; ; k++) {
    const other = order - k;
    const below = logBinomial + part(k, other * left + k * taken, k - split);
    const above = logBinomial + part(other, k * left + other * taken, split - other);
    sum += sign * (Math.exp(below - scale) + Math.exp(above - scale));
    if (k > order && Math.max(below, above) < NEGLIGIBLE) return Math.max(0, scale + Math.log(sum));
    if (other < 0) sign = -sign;
    logBinomial += Math.log(Math.abs(other)) - Math.log(k + 1);
  }
}
