import type { RunData } from "./run-data.ts";

/** How a run has ended: `failed` met an error, `interrupted` can go on. */
export type RunEnd = "finished" | "diverged" | "failed" | "interrupted";

/** What went wrong, and where. */
export interface RunFailure {
  readonly round: number | null;
  readonly client: number | null;
  readonly reason: string;
}

/** How a run ended, as its events tell. A run whose last cohort failed as a whole has diverged: nothing trains it any more. */
export function endOf({ stopped, finished, rounds }: RunData): RunEnd {
  if (stopped?.reason === "diverged" || (finished !== undefined && rounds.at(-1)?.clients === 0)) return "diverged";
  if (finished !== undefined) return "finished";
  return stopped?.reason === "error" ? "failed" : "interrupted";
}

/** The first failure of a client, or else why the run stopped early; undefined where nothing went wrong. */
export function failureOf(run: RunData): RunFailure | undefined {
  const { failures, stopped } = run;
  const [first] = failures;
  if (first !== undefined) {
    const more = failures.length === 1 ? "" : ` (and ${failures.length - 1} more failures)`;
    return { round: first.round, client: first.client, reason: `${shortReason(first.message)}${more}` };
  }
  if (stopped === undefined || stopped.reason === "early-stop" || stopped.reason === "interrupted") return undefined;
  return { round: stopped.round, client: null, reason: stopped.message };
}

/** A message without the place, which stands beside it, and without the figures, which the events have. */
function shortReason(message: string): string {
  return message.split(/ \(round \d|; received /)[0]!;
}
