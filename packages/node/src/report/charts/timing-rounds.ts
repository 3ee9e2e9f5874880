import { seriesColour } from "../plot/colours.ts";
import type { RunData } from "../run-data.ts";
import { finiteOr } from "../summary.ts";
import { allRuns, type Chart, onlyRun } from "./chart.ts";
import { type Layer, roundsPerBar, stackedBars } from "./stacked-bars.ts";

type Round = RunData["rounds"][number];

const train = (round: Round) => finiteOr(round.trainSeconds, 0);
const aggregate = (round: Round) => finiteOr(round.aggregateSeconds, 0);

/** What of the round's seconds the two phases do not explain; rounding errors of the clock are no time. */
function other(round: Round): number {
  const rest = finiteOr(round.seconds, 0) - train(round) - aggregate(round);
  return rest > 1e-4 ? rest : 0;
}

const LAYERS: readonly Layer[] = [
  { name: "local training", colour: seriesColour(0), value: train },
  { name: "aggregation", colour: seriesColour(1), value: aggregate },
  { name: "evaluation", colour: seriesColour(2), value: (_, evaluation) => finiteOr(evaluation?.seconds, 0) },
  { name: "other", colour: "other", value: other },
];

/** Where the time of a round goes: local training, aggregation, the rest, and the evaluation that follows. */
export const timingRounds: Chart = {
  id: "timing-rounds",
  title: "Time per round",
  caption(groups) {
    const step = roundsPerBar(onlyRun(groups));
    const single =
      step === 1 ? "Where the time of each round goes" : `Where the time goes: mean over ${step} rounds a bar`;
    return `${onlyRun(groups) === undefined ? "Mean time of a round" : single}, and of the evaluation after it.`;
  },
  plot(groups) {
    if (!allRuns(groups).some((run) => run.rounds.some((round) => round.seconds > 0))) return undefined;
    return stackedBars(groups, LAYERS, timeUnit);
  },
};

function timeUnit(seconds: number): { unit: string; size: number } {
  if (seconds < 1) return { unit: "ms", size: 0.001 };
  return seconds < 180 ? { unit: "seconds", size: 1 } : { unit: "minutes", size: 60 };
}
