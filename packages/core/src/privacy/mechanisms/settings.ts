/** "seeded": from keys of the run's seed, so that a simulation can be repeated; "secure": from the system's generator. */
export interface RandomSource {
  readonly kind: "seeded" | "secure";
}

/** How the clip bound is shared out; the bound of the whole update is always C, which is the sensitivity of the sum. */
export type Clipping = "flat" | "per-layer" | "per-layer-by-size";

/** Who adds the noise: the server, every client its share of the sum's, or every client all of it. */
export type NoisePlace = "central" | "distributed" | "local";

/** What the noise is drawn from; of whole numbers where sums are: those shares are added as updates are rounded. */
export type NoiseDistribution = "gaussian" | "discrete-gaussian" | "skellam";

/** The clip norm as server state that follows a quantile of the update norms; see `adaptive-clip.ts`. */
export interface AdaptiveClipping {
  /** Share of the clients whose update should stay unclipped (gamma), in (0, 1). */
  readonly targetQuantile: number;
  /** Rate of the geometric steps (eta_C). */
  readonly rate: number;
  /** Standard deviation of the noise on the count of unclipped clients (sigma_b). */
  readonly countNoise: number;
}

/**
 * A mechanism of differential privacy as plain data. One round releases the sum of the cohort's clipped updates plus noise
 * of standard deviation `noiseMultiplier` * C in every coordinate (`noiseMultiplier` * C / n where records are protected),
 * over a fixed denominator.
 */
export interface MechanismSettings {
  readonly clipping: Clipping;
  /** C, or the first C where clipping is adaptive. */
  readonly clipNorm: number;
  readonly distribution: NoiseDistribution;
  readonly noise: NoisePlace;
  /** z, of everything that one round releases; 0: no noise and no privacy. */
  readonly noiseMultiplier: number;
  /**
   * n, the records of the client with fewest, where single records are protected: an update is then the mean of what is
   * clipped record by record, and replacing one moves it by at most 2 C / n. Absent: whole clients are protected.
   */
  readonly fewestRecords?: number | undefined;
  /** What the sum is divided by: the expected cohort q M, a public number that never depends on who came. */
  readonly denominator: number;
  /** Clients without whose shares a distributed round is not released; 1 elsewhere. */
  readonly minimumSurvivors: number;
  readonly adaptive?: AdaptiveClipping | undefined;
  /** Where noise comes from. */
  readonly source: RandomSource;
}

/**
 * Scalar of broadcasts and of the server's state: the clip norm of the round.
 *
 * @example
 * ```ts
 * import { CLIP_NORM } from "@anabranch/core";
 * CLIP_NORM; // => "clipNorm"
 * ```
 */
export const CLIP_NORM = "clipNorm";

/**
 * Vector [1] that adaptive clipping adds to updates: +1/2 for an update within the clip norm, -1/2 for one beyond.
 *
 * @example
 * ```ts
 * import { UNCLIPPED } from "@anabranch/core";
 * UNCLIPPED; // => "unclipped"
 * ```
 */
export const UNCLIPPED = "unclipped";
