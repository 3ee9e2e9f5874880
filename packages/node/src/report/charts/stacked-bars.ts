import type { EChartsOption } from "echarts";
import { runLabels } from "../labels.ts";
import type { RunData } from "../run-data.ts";
import { categoryAxis, frame, type LegendEntry, labelStep, xAxis, yAxis } from "./cartesian.ts";
import { FONT, FONT_SIZE, INK } from "./theme.ts";

const MAX_BARS = 60;
const MAX_BAR_ROUNDS_LABELS = 8;

/** A quantity of a round, drawn as one layer of a stacked bar. */
export interface Layer extends LegendEntry {
  /** In base units (bytes, seconds); not negative, never NaN. */
  readonly value: (round: RunData["rounds"][number]) => number;
}

/** The unit for an axis whose longest bar is `most` base units. */
export type UnitOf = (most: number) => { readonly unit: string; readonly size: number };

/** Rounds that share one bar, so that bars stay wide enough to be seen. */
export function roundsPerBar(run: RunData | undefined): number {
  const rounds = run?.rounds.length ?? 0;
  return rounds <= MAX_BARS ? 1 : labelStep(rounds, MAX_BARS);
}

/** One run: a stacked bar for each round, or for the mean of a few neighbouring rounds. Several: one for each run. */
export function stackedBars(runs: readonly RunData[], layers: readonly Layer[], unitOf: UnitOf): EChartsOption {
  const [only] = runs;
  return runs.length === 1 && only !== undefined ? overRounds(only, layers, unitOf) : overRuns(runs, layers, unitOf);
}

function overRounds(run: RunData, layers: readonly Layer[], unitOf: UnitOf): EChartsOption {
  const step = roundsPerBar(run);
  const names: string[] = [];
  const bars: number[][] = [];
  for (let first = 0; first < run.rounds.length; first += step) {
    const rounds = run.rounds.slice(first, first + step);
    names.push(String(rounds.at(-1)?.round ?? ""));
    bars.push(means(rounds, layers));
  }
  const { unit, size } = unitOf(longest(bars));
  return {
    ...frame(layers),
    xAxis: categoryAxis("round", names, labelStep(bars.length, MAX_BAR_ROUNDS_LABELS)),
    yAxis: yAxis(`${unit} per round`, { min: 0 }),
    series: layers.map(({ name, colour }, layer) => ({
      type: "bar",
      stack: "round",
      name,
      data: bars.map((bar) => (bar[layer] ?? 0) / size),
      itemStyle: { color: colour },
      barCategoryGap: "25%",
    })),
  };
}

function overRuns(runs: readonly RunData[], layers: readonly Layer[], unitOf: UnitOf): EChartsOption {
  const bars = runs.map((run) => means(run.rounds, layers));
  const { unit, size } = unitOf(longest(bars));
  const { grid, ...rest } = frame(layers);
  return {
    ...rest,
    // Text is measured by an estimate: the wide margin keeps long names inside whatever font the reader has.
    grid: { ...grid, left: 30, top: 40 },
    xAxis: { ...xAxis(`${unit} per round`, { min: 0 }), splitLine: { show: true } },
    yAxis: {
      type: "category",
      inverse: true,
      data: runLabels(runs),
      axisLabel: { fontFamily: FONT, fontSize: FONT_SIZE, color: INK, width: 160, overflow: "truncate" },
      axisLine: { show: false },
      axisTick: { show: false },
    },
    series: layers.map(({ name, colour }, layer) => ({
      type: "bar",
      stack: "run",
      name,
      data: bars.map((bar) => (bar[layer] ?? 0) / size),
      itemStyle: { color: colour },
      barMaxWidth: 34,
      barCategoryGap: "35%",
    })),
  };
}

/** The mean of each layer over rounds [layers]. */
function means(rounds: RunData["rounds"], layers: readonly Layer[]): number[] {
  const count = Math.max(1, rounds.length);
  return layers.map(({ value }) => rounds.reduce((sum, round) => sum + value(round), 0) / count);
}

function longest(bars: readonly (readonly number[])[]): number {
  return bars.reduce(
    (most, bar) =>
      Math.max(
        most,
        bar.reduce((sum, value) => sum + value, 0),
      ),
    0,
  );
}
