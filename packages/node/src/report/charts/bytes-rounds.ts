import { byteUnit } from "../../terminal/format.ts";
import { seriesColour } from "../plot/colours.ts";
import { finiteOr } from "../summary.ts";
import { allRuns, type Chart, onlyRun, withoutBaselines } from "./chart.ts";
import { type Layer, roundsPerBar, stackedBars } from "./stacked-bars.ts";

const LAYERS: readonly Layer[] = [
  { name: "down, to the cohort", colour: seriesColour(0), value: (round) => finiteOr(round.bytesDown, 0) },
  { name: "up, from the cohort", colour: seriesColour(4), value: (round) => finiteOr(round.bytesUp, 0) },
];

/** Bytes sent down and up in a round. */
export const bytesRounds: Chart = {
  id: "bytes-rounds",
  title: "Bytes per round",
  caption(all) {
    const groups = withoutBaselines(all);
    const step = roundsPerBar(onlyRun(groups));
    const single = step === 1 ? "Traffic of each round" : `Traffic of a round, mean over ${step} rounds a bar`;
    return `${onlyRun(groups) === undefined ? "Mean traffic of a round" : single}, counted from the encoded messages.`;
  },
  plot(all) {
    const groups = withoutBaselines(all);
    if (!allRuns(groups).some((run) => run.rounds.some((round) => round.bytesDown > 0 || round.bytesUp > 0)))
      return undefined;
    return stackedBars(groups, LAYERS, byteUnit);
  },
};
