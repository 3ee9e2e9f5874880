import type { RunStatus } from "@anabranch/core";

/** Characters of a text of a run in a list: one run's name must not fill the list of all. */
export const longestText = 1000;

/** One run in a list. What is not known yet is null. */
export interface RunSummary {
  readonly id: string;
  /** Absolute path. */
  readonly folder: string;
  readonly name: string;
  readonly algorithm: string;
  readonly dataset: string;
  readonly model: string;
  readonly status: RunStatus;
  /** Why the run stopped before its end, and what to do next; null where it did not. */
  readonly reason: string | null;
  readonly roundsDone: number;
  readonly roundsTotal: number;
  /** Test accuracy of the last evaluation. */
  readonly finalAccuracy: number | null;
  readonly bestAccuracy: number | null;
  /** Of runs that predict numbers: test error of the last evaluation in units of the target, and explained share. */
  readonly finalRmse: number | null;
  readonly finalR2: number | null;
  readonly bytesDown: number;
  readonly bytesUp: number;
  /** Time in rounds, over all sessions. */
  readonly seconds: number;
  readonly seed: number;
  /** ISO times of the first and the last event. */
  readonly startedAt: string;
  readonly updatedAt: string;
}
