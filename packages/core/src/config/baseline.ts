/** Runs that a federation is compared with: all data in one place, or no exchange at all. */
export const baselines = ["centralized", "local-only"] as const;

export type Baseline = (typeof baselines)[number];
