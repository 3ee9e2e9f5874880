import { firstSentence, type RunHistory } from "@anabranch/core";
import { formatPlural } from "../terminal/format.ts";
import type { RunData } from "./run-data.ts";

/** How a run has ended: `failed` met an error or lost all its clients, `interrupted` can go on. */
export type RunEnd = "finished" | "diverged" | "failed" | "interrupted";

/** What went wrong, and where. */
export interface RunFailure {
  readonly round: number | null;
  readonly client: number | null;
  readonly reason: string;
}

/** How a run ended, as it has said itself: the rule is that of the round loop. */
export function classifyEnd({ stopped, finished }: Pick<RunHistory, "stopped" | "finished">): RunEnd {
  switch (stopped?.reason) {
    case "diverged":
      return "diverged";
    case "clients-failed":
    case "error":
      return "failed";
    default:
      return finished === undefined ? "interrupted" : "finished";
  }
}

/** How a run ended, in words and as good, uncertain or bad. */
export interface EndText {
  readonly text: string;
  readonly tone: "good" | "uncertain" | "bad";
}

/** The heading of a result, the same in the terminal and in the report. */
export function endText(run: Pick<RunHistory, "stopped" | "finished" | "failures" | "rounds">): EndText {
  const { stopped, failures, rounds } = run;
  const end = classifyEnd(run);
  if (end === "diverged" || end === "failed") return { text: `${end} at round ${stopped!.round}`, tone: "bad" };
  if (stopped !== undefined) {
    const tone = stopped.reason === "early-stop" ? "good" : "uncertain";
    return { text: `stopped at round ${stopped.round}: ${stopped.reason}`, tone };
  }
  if (end !== "finished") {
    return { text: `unfinished: ${formatPlural(rounds.at(-1)?.round ?? 0, "round")} recorded`, tone: "uncertain" };
  }
  const done = tasksDone(run);
  if (failures.length > done) {
    return { text: `finished, but ${done === 0 ? "all" : "most"} clients failed`, tone: "uncertain" };
  }
  return { text: "finished", tone: "good" };
}

/** Client tasks whose update was summed. */
export function tasksDone({ rounds }: Pick<RunHistory, "rounds">): number {
  return rounds.reduce((sum, { clients }) => sum + (Number.isFinite(clients) ? clients : 0), 0);
}

/** Why a run failed or stopped with an error, or else the first failure of a client; undefined where all went well. */
export function failureOf(run: RunData): RunFailure | undefined {
  const { failures, stopped } = run;
  const end = classifyEnd(run);
  if (stopped !== undefined && (end === "diverged" || end === "failed")) {
    return { round: stopped.round, client: null, reason: stopped.message };
  }
  const [first] = failures;
  if (first === undefined) return undefined;
  const more = failures.length === 1 ? "" : ` (and ${formatPlural(failures.length - 1, "more failure")})`;
  return { round: first.round, client: first.client, reason: `${firstSentence(first.message)}${more}` };
}
