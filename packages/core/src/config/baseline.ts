/** Runs that a federation is compared with: all data in one place, no exchange at all, or none of the clients' data. */
export const baselines = ["centralized", "local-only", "public-only"] as const;

export type Baseline = (typeof baselines)[number];
