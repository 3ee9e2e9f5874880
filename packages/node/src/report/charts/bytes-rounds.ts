import { byteUnit } from "../../terminal/format.ts";
import { runLabels } from "../labels.ts";
import { finiteOr } from "../summary.ts";
import { curve, frame, lastRound, type Point, xAxis, yAxis } from "./cartesian.ts";
import type { Chart } from "./chart.ts";
import { seriesColour } from "./theme.ts";

/** Bytes sent down and up in each round. */
export const bytesRounds: Chart = {
  id: "bytes-rounds",
  title: "Bytes per round",
  caption: (runs) =>
    runs.length === 1
      ? "Sent to the cohort (down) and received from it (up) in each round, counted from the encoded messages."
      : "Bytes of each round, counted from the encoded messages. Solid: received from the cohort. Dashed: sent to it.",
  option(runs) {
    const all = runs.flatMap((run) => run.rounds.flatMap((round) => [round.bytesDown, round.bytesUp]));
    const most = all.reduce((max, bytes) => Math.max(max, finiteOr(bytes, 0)), 0);
    if (most === 0) return undefined;
    const { unit, size } = byteUnit(most);
    const labels = runLabels(runs);
    const single = runs.length === 1;
    return {
      ...frame(
        single
          ? [
              { name: "down", colour: seriesColour(0) },
              { name: "up", colour: seriesColour(1) },
            ]
          : labels.map((name, index) => ({ name, colour: seriesColour(index) })),
      ),
      xAxis: xAxis("round", { min: 0, max: lastRound(runs) }),
      yAxis: yAxis(single ? `${unit} per round` : `${unit} per round (solid: up, dashed: down)`, { min: 0 }),
      series: runs.flatMap((run, index) => {
        const down = run.rounds.map((round): Point => [round.round, round.bytesDown / size]);
        const up = run.rounds.map((round): Point => [round.round, round.bytesUp / size]);
        const name = labels[index] ?? "";
        return [
          curve(single ? "down" : name, seriesColour(single ? 0 : index), down, single ? "solid" : "dashed"),
          // Often both directions cost the same: a dashed line on a solid one keeps both visible.
          curve(single ? "up" : name, seriesColour(single ? 1 : index), up, single ? "dashed" : "solid"),
        ];
      }),
    };
  },
};
