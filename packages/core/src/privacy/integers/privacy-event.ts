import type { PrivacyEventInput } from "../accounting/index.ts";
import { roundedNorm } from "./conditional-rounding.ts";
import { checkMechanism, type DiscreteMechanism } from "./discrete-mechanism.ts";
import { paddedSize } from "./rotation.ts";

/**
 * What one released sum of a mechanism costs where one client's update is replaced by zeros (zero-out). The server knows
 * who is in the sum, so its shares of noise are the same for both neighbours. Zeros are rounded to zeros, any other update
 * to integers of 2-norm at most `roundedNorm`: that is how far the sum moves, whatever the cohort and however it was
 * drawn. Between two updates it is twice as far. Not covered is a client that is gone, whose share of noise is gone, too.
 *
 * No credit is taken for sampling, nor for wrapping around: what is done to the sum of integers cannot cost more; nor for
 * shares beyond `survivors`, which are added to a sum that is as private without them. Throws `privacy/mechanism`.
 *
 * @example
 * ```ts
 * import { discreteMechanism, gaussianAccountant, privacyEventOf, rdpAccountant } from "@anabranch/core";
 * const demand = { size: 100, modulus: 2 ** 20, noiseMultiplier: 4, survivors: 8, cohort: 10 };
 * const event = privacyEventOf(discreteMechanism({ distribution: "skellam", ...demand }));
 * event.kind; // => "skellam"
 * rdpAccountant().epsilon([event], 1e-5).epsilon; // => 1.0126
 * gaussianAccountant().epsilon([{ kind: "gaussian", noiseMultiplier: 4 }], 1e-5).epsilon; // => 0.9263
 * ```
 */
export function privacyEventOf(mechanism: DiscreteMechanism): PrivacyEventInput {
  const adjacency = "zero-out";
  const { distribution, granularity, variance, bias, survivors } = checkMechanism(mechanism);
  const size = paddedSize(mechanism.size);
  const norm = roundedNorm(1 / granularity, size, bias);
  if (distribution === "skellam") {
    // |x|_1 is at most sqrt(d) |x|_2, and at most |x|_2^2 for whole numbers.
    const l1 = Math.min(norm * norm, Math.sqrt(size) * norm);
    return { kind: "skellam", l1, l2: norm, variance: survivors * variance, adjacency };
  }
  return { kind: "zero-concentrated", rho: discreteGaussianSumRho(norm, size, variance, survivors), adjacency };
}

/**
 * rho such that a sum of n shares of discrete Gaussian noise is rho-zero-concentrated differentially private, eps^2 / 2 of
 * (arXiv:2102.06387, Theorem 1, equations 3 and 4, in units of the grid)
 *
 *   tau = 10 sum_{k=1}^{n-1} exp(-2 pi^2 sigma^2 k / (k + 1))
 *   eps = min{ sqrt(D^2 / (n sigma^2) + 2 tau d), D / (sqrt(n) sigma) + tau sqrt(d) }
 *
 * tau is how far such a sum can be from one discrete Gaussian of variance n sigma^2. sigma^2 is at least 1/4.
 *
 * @param norm D, by which neighbours move the sum at most
 * @param size d
 * @param variance sigma^2 of a share
 * @param survivors n
 */
export function discreteGaussianSumRho(norm: number, size: number, variance: number, survivors: number): number {
  let sum = 0;
  for (let k = 1; k < survivors; k++) sum += Math.exp((-2 * Math.PI ** 2 * variance * k) / (k + 1));
  const tau = 10 * sum;
  const ratio = norm / Math.sqrt(survivors * variance);
  return Math.min(ratio ** 2 + 2 * tau * size, (ratio + tau * Math.sqrt(size)) ** 2) / 2;
}
