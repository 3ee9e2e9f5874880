import { byteUnit } from "../../terminal/format.ts";
import { finiteOr } from "../summary.ts";
import type { Chart } from "./chart.ts";
import { type Layer, roundsPerBar, stackedBars } from "./stacked-bars.ts";
import { seriesColour } from "./theme.ts";

const LAYERS: readonly Layer[] = [
  { name: "down, to the cohort", colour: seriesColour(0), value: (round) => finiteOr(round.bytesDown, 0) },
  { name: "up, from the cohort", colour: seriesColour(4), value: (round) => finiteOr(round.bytesUp, 0) },
];

/** Bytes sent down and up in a round. */
export const bytesRounds: Chart = {
  id: "bytes-rounds",
  title: "Bytes per round",
  caption(runs) {
    const step = roundsPerBar(runs[0]);
    const single = step === 1 ? "Traffic of each round" : `Traffic of a round, mean over ${step} rounds a bar`;
    return `${runs.length > 1 ? "Mean traffic of a round" : single}, counted from the encoded messages.`;
  },
  option(runs) {
    if (!runs.some((run) => run.rounds.some((round) => round.bytesDown > 0 || round.bytesUp > 0))) return undefined;
    return stackedBars(runs, LAYERS, byteUnit);
  },
};
