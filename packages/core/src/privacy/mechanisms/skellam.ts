import { AnabranchError } from "@anabranch/engine";
import { poissonNoise, type Uniforms } from "./skellam-poisson.ts";

/**
 * Draws of the Skellam distribution of mean 0: the difference of two Poisson variates of mean variance / 2. Sums of
 * Skellam variates are Skellam variates, so that shares of clients add up to the noise of one.
 *
 * N. Agarwal, P. Kairouz, Z. Liu, "The Skellam Mechanism for Differentially Private Federated Learning", NeurIPS 2021,
 * arXiv:2110.04995. Computed in doubles, unlike the discrete Gaussian: `poissonSampler` says how exact that is, and the
 * last bit of a logarithm may differ between JavaScript engines.
 *
 * @throws `privacy/variance`
 * @example
 * ```ts
 * import { randomStream, rootKey, skellamSampler } from "@anabranch/core";
 * const draw = skellamSampler(4);
 * Number.isInteger(draw(randomStream(rootKey(1)))); // => true
 * ```
 */
export function skellamSampler(variance: number): (uniforms: Uniforms) => number {
  if (!(variance > 0 && variance < Number.POSITIVE_INFINITY)) {
    throw new AnabranchError({
      code: "privacy/variance",
      message: "the variance of a Skellam variate is positive",
      received: String(variance),
      expected: "a finite number above 0",
    });
  }
  const poisson = poissonNoise(variance / 2);
  return (uniforms) => poisson(uniforms) - poisson(uniforms);
}
