import { seriesColour } from "../plot/colours.ts";
import type { RunData } from "../run-data.ts";
import { curve, overlay, roundAxis } from "./cartesian.ts";
import { bandNote, type Chart, onlyRun } from "./chart.ts";

type Round = RunData["rounds"][number];

/** Lowest, mean and highest train loss within each cohort; for several runs the width of that range. */
export const clientLossBand: Chart = {
  id: "client-loss-band",
  title: "Loss range in the cohort",
  caption: (groups) =>
    onlyRun(groups) !== undefined
      ? "Line: mean train loss of the cohort. Band: from the lowest to the highest client of the round."
      : `Highest minus lowest training loss among the clients of a round.${bandNote(groups)}`,
  plot(groups) {
    const run = onlyRun(groups);
    if (run === undefined) {
      // bands of several runs would hide one another: their widths do not
      const width = ({ rounds }: RunData) =>
        rounds.filter(hasRange).map((round) => [round.round, round.clientLossMax - round.clientLossMin] as const);
      return overlay(groups, width, { x: roundAxis(groups), y: { label: "highest − lowest train loss", min: 0 } });
    }
    const rounds = run.rounds.filter((round) => hasRange(round) && Number.isFinite(round.loss));
    if (rounds.length === 0) return undefined;
    const mean = curve(
      "mean",
      seriesColour(0),
      rounds.map(({ round, loss }) => [round, loss]),
    );
    const ranges = new Map(rounds.map((round) => [round.round, [round.clientLossMin, round.clientLossMax] as const]));
    const band = mean.points.map(([round]) => ranges.get(round) ?? null);
    return { x: roundAxis(groups), y: { label: "train loss" }, legend: [], marks: [{ ...mean, band }] };
  },
};

function hasRange({ clientLossMin, clientLossMax }: Round): boolean {
  return Number.isFinite(clientLossMin) && Number.isFinite(clientLossMax);
}
