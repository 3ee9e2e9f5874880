import type { RunEvent } from "./events.ts";

/**
 * `interrupted` can be resumed; `stopped` ended early as configured; `failed` met an error or lost all its clients;
 * `unreadable`: the folder, or a line of its log, cannot be read.
 *
 * @example
 * ```ts
 * import { runStatuses } from "@anabranch/core";
 * runStatuses; // => ["running", "finished", "stopped", "interrupted", "diverged", "failed", "unreadable"]
 * ```
 */
export const runStatuses = [
  "running",
  "finished",
  "stopped",
  "interrupted",
  "diverged",
  "failed",
  "unreadable",
] as const;
export type RunStatus = (typeof runStatuses)[number];

/**
 * The status of a run after one more of its events. Only what a run reports itself counts; whether a run that did not end
 * is still being written, its log cannot know.
 *
 * @example
 * ```ts
 * import { statusAfter } from "@anabranch/core";
 * statusAfter("running", { type: "run.stopped", reason: "diverged" }); // => "diverged"
 * ```
 */
export function statusAfter(
  before: RunStatus,
  event: Pick<RunEvent, "type"> & { readonly reason?: string },
): RunStatus {
  switch (event.type) {
    case "run.started":
      return "running";
    case "run.stopped":
      return statusOf(event.reason);
    case "run.finished":
      // an early stop is followed by run.finished and stays an early stop
      return before === "running" ? "finished" : before;
    default:
      return before;
  }
}

function statusOf(reason: string | undefined): RunStatus {
  if (reason === "interrupted" || reason === "diverged") return reason;
  return reason === "early-stop" ? "stopped" : "failed";
}
