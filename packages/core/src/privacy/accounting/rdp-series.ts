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
  const split = 0.5 + sigma * sigma * Math.log(1 / q - 1);
  const taken = Math.log(q);
  const left = Math.log1p(-q);
  const part = (power: number, weight: number, beyond: number) =>
    weight + (power * power - power) / (2 * sigma * sigma) + logErfc(beyond / (Math.SQRT2 * sigma)) - Math.LN2;
  let sum = 0;
  // Kept over a common scale: the largest term of the first sum at integer orders bounds all.
  const scale = (order * order - order) / (2 * sigma * sigma);
  let logBinomial = 0;
  let sign = 1;
  for (let k = 0; ; k++) {
    const rest = order - k;
    const below = logBinomial + part(k, rest * left + k * taken, k - split);
    const above = logBinomial + part(rest, k * left + rest * taken, split - rest);
    sum += sign * (Math.exp(below - scale) + Math.exp(above - scale));
    if (k > order && Math.max(below, above) < NEGLIGIBLE) return scale + Math.log(sum);
    if (rest < 0) sign = -sign;
    logBinomial += Math.log(Math.abs(rest)) - Math.log(k + 1);
  }
}
