import { AnabranchError } from "@anabranch/engine";
import type { RandomStream } from "../../random/index.ts";

/** Where the product of uniforms is still far from underflow: longer means are drawn as sums. */
const LONGEST = 16;

/**
 * One draw of the Skellam distribution of mean 0: the difference of two Poisson variates of mean variance / 2. Sums of
 * Skellam variates are Skellam variates, so that shares of clients add up to the noise of one.
 *
 * N. Agarwal, P. Kairouz, Z. Liu, "The Skellam Mechanism for Differentially Private Federated Learning", NeurIPS 2021,
 * arXiv:2110.04995. Thresholds are doubles: probabilities are right to about 1e-15 each, not exactly. Takes time in
 * proportion to the variance.
 */
export function skellam(stream: Pick<RandomStream, "float">, variance: number): number {
  if (!(variance > 0 && variance < Number.POSITIVE_INFINITY)) {
    throw new AnabranchError({
      code: "privacy/variance",
      message: "the variance of a Skellam variate is positive",
      received: String(variance),
      expected: "a finite number above 0",
    });
  }
  return poisson(stream, variance / 2) - poisson(stream, variance / 2);
}

/** Poisson variate: uniforms are multiplied until the product falls to exp(-mean) (D. Knuth, TAOCP 2, 3.4.1). */
function poisson(stream: Pick<RandomStream, "float">, mean: number): number {
  let count = 0;
  for (let left = mean; left > 0; left -= LONGEST) {
    const threshold = Math.exp(-Math.min(left, LONGEST));
    for (let product = 1 - stream.float(); product > threshold; product *= 1 - stream.float()) count++;
  }
  return count;
}
