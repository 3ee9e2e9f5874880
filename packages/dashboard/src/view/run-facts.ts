import { spentText, testNote } from "@anabranch/core";
import { formatBytes, formatSeconds } from "../format.ts";
import type { History } from "./history.ts";

/** What all rounds of a run add up to, as names and values. What was not measured is a dash. */
export function runFacts(history: History): readonly (readonly [string, string])[] {
  const { run } = history;
  const { start } = run;
  return [
    quality(history),
    ["Sent to clients", shown(total(history, "bytesDown"), formatBytes)],
    ["Received from clients", shown(total(history, "bytesUp"), formatBytes)],
    ["Time in rounds", shown(total(history, "seconds"), formatSeconds)],
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

/** The last accuracy; of a run that predicts numbers, its last error. */
function quality({ rounds, run }: History): readonly [string, string] {
  const note = testNote(run);
  if (run.start?.predicts === "numbers") {
    const rmse = rounds.findLast((round) => Number.isFinite(round.rmse))?.rmse ?? Number.NaN;
    return [note === "" ? "Test RMSE" : `RMSE ${note}`, shown(rmse, (value) => value.toPrecision(5))];
  }
  const last = rounds.findLast((round) => Number.isFinite(round.accuracy))?.accuracy;
  const accuracy = known(run.finished?.accuracy) ?? last ?? Number.NaN;
  return [note === "" ? "Test accuracy" : `Accuracy ${note}`, percent(accuracy)];
}

const dash = "–";

/** A fraction of 1 as a percentage; a dash where it was not measured. */
export function percent(fraction: number): string {
  return shown(fraction, (value) => `${(100 * value).toFixed(2)} %`);
}

export function shown(value: number, format: (value: number) => string): string {
  return Number.isFinite(value) ? format(value) : dash;
}

/** What the end of the run says of all of it, as in the report; before it the sum of the rounds, NaN where none has it. */
function total({ rounds, run }: History, key: "bytesDown" | "bytesUp" | "seconds"): number {
  const values = rounds.map((round) => round[key]).filter(Number.isFinite);
  const sum = values.length === 0 ? Number.NaN : values.reduce((before, value) => before + value, 0);
  return known(run.finished?.[key]) ?? sum;
}

function known(value: number | undefined): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}
