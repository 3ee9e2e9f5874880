import { AnabranchError } from "@anabranch/engine";
import { LARGEST_VARIANCE, SIXTEENTHS } from "../mechanisms/discrete-gaussian-sampler.ts";
import { paddedSize } from "./rotation.ts";

/** Noise over whole numbers; both add up to nearly Gaussian noise, Skellam noise to exactly Skellam noise. */
export type IntegerNoise = "discrete-gaussian" | "skellam";

/**
 * A sum of clipped updates over whole numbers modulo m, to which every client adds its share of noise before any other
 * party sees its vector. Plain data; all lengths are over the clip norm C of the round, which may change from round to
 * round without changing epsilon.
 */
export interface DiscreteMechanism {
  readonly distribution: IntegerNoise;
  /** Coordinates of an update (d); sent are paddedSize(d). */
  readonly size: number;
  /** m: a whole number from 2 to 2^32. */
  readonly modulus: number;
  /** gamma / C: the step of the grid. */
  readonly granularity: number;
  /**
   * Variance parameter of one share in steps of the grid, sigma^2 / gamma^2: a multiple of 1/16 of at least 1/4, which is
   * what the theorem on sums of discrete Gaussians asks for.
   */
  readonly variance: number;
  /** beta of `roundedNorm`. */
  readonly bias: number;
  /**
   * n: shares of noise that are in every sum that is released, by clients who follow the protocol. A sum with fewer must
   * not be released; one with more is safer than is accounted for.
   */
  readonly survivors: number;
}

export interface MechanismDemand {
  readonly distribution: IntegerNoise;
  readonly size: number;
  readonly modulus: number;
  /** z: standard deviation of the noise of `survivors` shares together, over C. */
  readonly noiseMultiplier: number;
  readonly survivors: number;
  /** N: the most clients in one sum. */
  readonly cohort: number;
  /** k: a coordinate of the sum wraps around only beyond so many standard deviations. Default 4. */
  readonly deviations?: number;
}

/** beta = exp(-1/2), as in the paper's experiments. */
export const USUAL_BIAS = Math.exp(-0.5);

/** Share variances beyond this would need longer words and gain nothing: rounding then adds 4e-9 to the noise. */
const FINEST = 2 ** 26;

/** What rounding a variance up, to at least 1/4, adds to it at most. */
const ROUNDED_UP = 1 / 4;

/**
 * The finest grid on which the sum stays within the modulus. A coordinate of the rotated sum is subgaussian with variance
 * (N C)^2 / d + N (sigma^2 + gamma^2 / 4), of all updates pointing the same way, the noise, and the rounding; gamma is
 * such that gamma m / 2 is k of its deviations (P. Kairouz, Z. Liu, T. Steinke, ICML 2021, arXiv:2102.06387, Section 4;
 * d is the padded size). With sigma^2 = (z C)^2 / n, rounded up by at most gamma^2 / 4, that is
 *
 *   gamma^2 (m^2 / 4 - k^2 N / 2) = k^2 C^2 (N^2 / d + N z^2 / n)
 *
 * Grid and share grow with z, so epsilon falls; the noise is never less than was asked for.
 *
 * @throws `privacy/modulus` where rounding alone would wrap around; `privacy/mechanism` for impossible values
 *
 * @example
 * ```ts
 * import { discreteMechanism } from "@anabranch/core";
 * const demand = { size: 100, modulus: 2 ** 20, noiseMultiplier: 1, survivors: 8, cohort: 10 };
 * const { granularity, variance } = discreteMechanism({ distribution: "skellam", ...demand });
 * variance * granularity ** 2 >= 1 / 8; // => true
 * ```
 */
export function discreteMechanism(demand: MechanismDemand): DiscreteMechanism {
  const { distribution, size, modulus, noiseMultiplier, survivors, cohort, deviations = 4 } = demand;
  requireThat(Number.isSafeInteger(survivors) && survivors >= 1, "survivors", survivors, "at least 1");
  requireThat(Number.isFinite(noiseMultiplier) && noiseMultiplier > 0, "noiseMultiplier", noiseMultiplier, "above 0");
  requireThat(
    Number.isSafeInteger(cohort) && cohort >= survivors,
    "cohort",
    cohort,
    `at least survivors, ${survivors}`,
  );
  requireThat(Number.isFinite(deviations) && deviations > 0, "deviations", deviations, "above 0");
  const room = modulus ** 2 / 4 - (deviations ** 2 * cohort) / 2;
  if (!(room > 0)) throw tooSmall(modulus, cohort, deviations);
  const share = noiseMultiplier ** 2 / survivors;
  const signal = cohort ** 2 / paddedSize(size);
  const finest = Math.sqrt((deviations ** 2 * (signal + cohort * share)) / room);
  const granularity = Math.max(finest, Math.sqrt(share / FINEST));
  const variance = Math.ceil((SIXTEENTHS * share) / granularity ** 2) / SIXTEENTHS;
  return checkMechanism({
    distribution,
    size,
    modulus,
    granularity,
    variance: Math.min(FINEST, Math.max(ROUNDED_UP, variance)),
    bias: USUAL_BIAS,
    survivors,
  });
}

/** The mechanism, if its values are possible. Throws `privacy/mechanism`. */
export function checkMechanism(mechanism: DiscreteMechanism): DiscreteMechanism {
  const { size, modulus, granularity, variance, bias, survivors } = mechanism;
  requireThat(Number.isSafeInteger(size) && size >= 1, "size", size, "an integer of at least 1");
  const whole = Number.isInteger(modulus) && modulus >= 2 && modulus <= 2 ** 32;
  requireThat(whole, "modulus", modulus, "an integer from 2 to 2^32");
  requireThat(Number.isFinite(granularity) && granularity > 0, "granularity", granularity, "above 0");
  const exact = Number.isInteger(variance * SIXTEENTHS) && variance >= 1 / 4 && variance <= LARGEST_VARIANCE;
  requireThat(exact, "variance", variance, `a multiple of 1/${SIXTEENTHS} from 1/4 to ${LARGEST_VARIANCE}`);
  requireThat(bias >= 0 && bias < 1, "bias", bias, "from 0 to below 1");
  requireThat(Number.isSafeInteger(survivors) && survivors >= 1, "survivors", survivors, "at least 1");
  return mechanism;
}

function requireThat(holds: boolean, name: string, value: number, expected: string): void {
  if (holds) return;
  throw new AnabranchError({
    code: "privacy/mechanism",
    message: `a private integer sum has an invalid ${name}`,
    received: String(value),
    expected,
  });
}

function tooSmall(modulus: number, cohort: number, deviations: number): AnabranchError {
  return new AnabranchError({
    code: "privacy/modulus",
    message: "the modulus is too small for the cohort: rounding alone would make sums wrap around",
    received: `modulus ${modulus}, cohort ${cohort}, ${deviations} deviations`,
    expected: `a modulus above ${Math.ceil(deviations * Math.sqrt(2 * cohort))}; useful ones are a hundred times that`,
    advice: "Give each value more bits, or make the cohort smaller.",
  });
}
