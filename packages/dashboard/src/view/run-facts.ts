import { spentText, testNote } from "@anabranch/core";
import { formatBytes, formatSeconds } from "../format.ts";
import type { History, Round } from "./history.ts";

/** What all rounds of a run add up to, as names and values. What was not measured is a dash. */
export function runFacts({ rounds, run }: History): readonly (readonly [string, string])[] {
  const { start } = run;
  const accuracy = rounds.findLast((round) => Number.isFinite(round.accuracy))?.accuracy ?? Number.NaN;
  const note = testNote(run);
  return [
    [note === "" ? "Test accuracy" : `Accuracy ${note}`, percent(accuracy)],
    ["Sent to clients", shown(total(rounds, "bytesDown"), formatBytes)],
    ["Received from clients", shown(total(rounds, "bytesUp"), formatBytes)],
    ["Time in rounds", shown(total(rounds, "seconds"), formatSeconds)],
    ["Failed client tasks", start === undefined ? dash : String(run.failures.length)],
    ["Privacy", start === undefined ? dash : spentText(run) || "not private"],
    ...(start === undefined
      ? []
      : ([
          ["Method", start.algorithm || dash],
          ["Model", start.model || dash],
          ["Data", start.dataset || dash],
        ] as const)),
  ];
}

const dash = "–";

/** A fraction of 1 as a percentage; a dash where it was not measured. */
export function percent(fraction: number): string {
  return shown(fraction, (value) => `${(100 * value).toFixed(2)} %`);
}

export function shown(value: number, format: (value: number) => string): string {
  return Number.isFinite(value) ? format(value) : dash;
}

/** NaN where no round has it. */
function total(rounds: readonly Round[], key: "bytesDown" | "bytesUp" | "seconds"): number {
  const known = rounds.map((round) => round[key]).filter(Number.isFinite);
  return known.length === 0 ? Number.NaN : known.reduce((sum, value) => sum + value, 0);
}
