import { byRound } from "@anabranch/core";
import type { Line } from "../view/line.ts";
import type { ComparedRun } from "./compared-runs.ts";

/** Curves of several runs over the rounds that any of them has. */
export interface JoinedCurves {
  readonly rounds: readonly number[];
  readonly lines: readonly Line[];
}

/** @param key which of the curves */
export function joinCurves(runs: readonly ComparedRun[], key: "testLoss" | "trainLoss" | "accuracy"): JoinedCurves {
  const rows = new Map<number, number[]>();
  runs.forEach((run, at) => {
    run.rounds.forEach((round, place) => {
      const row = rows.get(round) ?? runs.map(() => Number.NaN);
      row[at] = run[key][place] ?? Number.NaN;
      rows.set(round, row);
    });
  });
  const joined = byRound(rows);
  return {
    rounds: [...rows.keys()].sort((a, b) => a - b),
    lines: runs.map(({ label }, at) => ({
      name: label,
      values: joined.map((row) => row[at]!),
      colour: `--line-${at + 1}`,
    })),
  };
}
