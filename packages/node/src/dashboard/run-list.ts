import type { RunStatus } from "@anabranch/core";
import type { RunSummary } from "../store/run-summary.ts";

/** A run in the list of the dashboard. */
export interface ListedRun extends Omit<RunSummary, "folder" | "status"> {
  /** Name of its folder below the folder of runs. */
  readonly folder: string;
  /** "reading": its log is long, and is still being read. */
  readonly status: RunStatus | "reading";
  /** What its report says of epsilon; empty for a run that is not private. */
  readonly privacy: string;
  /** Whether its test metrics are of clients' own examples, which epsilon does not cover. */
  readonly testNote: string;
}

/** All runs below a folder, newest first. */
export interface RunList {
  readonly root: string;
  readonly runs: readonly ListedRun[];
  /** Runs whose logs are still being read; the next request reads on. */
  readonly pending: number;
}
