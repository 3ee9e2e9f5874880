import type { EChartsOption } from "echarts";
import { runLabels } from "../labels.ts";
import type { RunData } from "../run-data.ts";
import { finiteOr } from "../summary.ts";
import { categoryAxis, frame, labelStep, xAxis, yAxis } from "./cartesian.ts";
import type { Chart } from "./chart.ts";
import { FONT, FONT_SIZE, INK, seriesColour } from "./theme.ts";

const MAX_BARS = 60;
const PHASES = [
  { key: "train", name: "local training", colour: seriesColour(0) },
  { key: "aggregate", name: "aggregation", colour: seriesColour(1) },
  { key: "other", name: "other", colour: "#b8c2cc" },
] as const;

type Phases = Record<(typeof PHASES)[number]["key"], number>;

/** Where the time of a round goes: local training, aggregation and the rest. */
export const timingRounds: Chart = {
  id: "timing-rounds",
  title: "Time per round",
  caption(runs) {
    if (runs.length > 1) return "Mean time of a round. Other: sampling, encoding, evaluation, checkpoints.";
    const step = barStep(runs[0]?.rounds.length ?? 0);
    const bars =
      step === 1 ? "Where the time of each round goes." : `Where the time goes: mean over ${step} rounds a bar.`;
    return `${bars} Other: sampling, encoding, evaluation, checkpoints.`;
  },
  option(runs) {
    const drawn = runs.filter((run) => run.rounds.some((round) => round.seconds > 0));
    const [only] = drawn;
    if (only === undefined) return undefined;
    return runs.length === 1 ? barsOverRounds(only) : barsOverRuns(drawn);
  },
};

function barsOverRounds(run: RunData): EChartsOption {
  const step = barStep(run.rounds.length);
  const bars: { label: string; phases: Phases }[] = [];
  for (let first = 0; first < run.rounds.length; first += step) {
    const rounds = run.rounds.slice(first, first + step);
    bars.push({ label: String(rounds.at(-1)?.round ?? ""), phases: meanPhases(rounds) });
  }
  const { unit, size } = timeUnit(bars.map((bar) => bar.phases));
  return {
    ...frame(PHASES),
    xAxis: categoryAxis(
      "round",
      bars.map((bar) => bar.label),
      labelStep(bars.length),
    ),
    yAxis: yAxis(`${unit} per round`, { min: 0 }),
    series: PHASES.map(({ key, name, colour }) => ({
      type: "bar",
      stack: "time",
      name,
      data: bars.map((bar) => bar.phases[key] / size),
      itemStyle: { color: colour },
      barCategoryGap: "25%",
    })),
  };
}

function barsOverRuns(runs: readonly RunData[]): EChartsOption {
  const bars = runs.map((run) => meanPhases(run.rounds));
  const { unit, size } = timeUnit(bars);
  return {
    ...frame(PHASES),
    xAxis: { ...xAxis(`${unit} per round`, { min: 0 }), splitLine: { show: true } },
    yAxis: {
      type: "category",
      inverse: true,
      data: runLabels(runs),
      axisLabel: { fontFamily: FONT, fontSize: FONT_SIZE, color: INK, width: 150, overflow: "truncate" },
      axisLine: { show: false },
      axisTick: { show: false },
    },
    series: PHASES.map(({ key, name, colour }) => ({
      type: "bar",
      stack: "time",
      name,
      data: bars.map((phases) => phases[key] / size),
      itemStyle: { color: colour },
      barMaxWidth: 34,
      barCategoryGap: "35%",
    })),
  };
}

/** Rounds that share one bar, so that bars stay wide enough to be seen. */
function barStep(rounds: number): number {
  return rounds <= MAX_BARS ? 1 : labelStep(rounds, MAX_BARS);
}

/** Mean seconds of each phase. */
function meanPhases(rounds: RunData["rounds"]): Phases {
  const sums: Phases = { train: 0, aggregate: 0, other: 0 };
  for (const round of rounds) {
    const train = finiteOr(round.trainSeconds, 0);
    const aggregate = finiteOr(round.aggregateSeconds, 0);
    sums.train += train;
    sums.aggregate += aggregate;
    sums.other += Math.max(0, finiteOr(round.seconds, 0) - train - aggregate);
  }
  const count = Math.max(1, rounds.length);
  return { train: sums.train / count, aggregate: sums.aggregate / count, other: sums.other / count };
}

function timeUnit(bars: readonly Phases[]): { unit: string; size: number } {
  const longest = bars.reduce((max, { train, aggregate, other }) => Math.max(max, train + aggregate + other), 0);
  if (longest < 1) return { unit: "ms", size: 0.001 };
  return longest < 180 ? { unit: "seconds", size: 1 } : { unit: "minutes", size: 60 };
}
