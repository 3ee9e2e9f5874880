/** Samplers by the names that users type. */
export const samplerNames = [
  "uniform",
  "poisson",
  "random-allocation",
  "round-robin",
  "full",
  "oort",
  "hetero-select",
  "latency",
  "easiest-first",
  "hash",
] as const;

/** Methods whose nodes pick the cohort themselves, with the sampler "hash". */
export const hashSampled: readonly string[] = ["modest"];

/** Samplers whose cohorts privacy accounting knows. */
export const accountedSamplers: readonly string[] = ["uniform", "poisson", "random-allocation"];

/** Samplers that learn from what single clients report. */
export const learningSamplers: readonly string[] = ["oort", "hetero-select", "latency", "easiest-first"];

/** What HeteRo-Select may count as the speed of a client's updates. */
export const updateSpeeds = ["staleness", "seconds"] as const;
export type UpdateSpeed = (typeof updateSpeeds)[number];
