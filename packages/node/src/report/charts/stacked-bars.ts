import type { EChartsOption } from "echarts";
import { runLabels } from "../labels.ts";
import type { RunData } from "../run-data.ts";
import { categoryAxis, frame, type LegendEntry, labelStep, xAxis, yAxis } from "./cartesian.ts";
import { FONT, FONT_SIZE, INK } from "./theme.ts";

const MAX_BARS = 60;
const MAX_BAR_ROUNDS_LABELS = 8;

/** A quantity of a round, drawn as one layer of a stacked bar. */
export interface Layer extends LegendEntry {
  /** In base units (bytes, seconds); not negative, never NaN. `evaluation` is the one after the round, if any. */
  readonly value: (round: RunData["rounds"][number], evaluation: RunData["evaluations"][number] | undefined) => number;
}

/** The unit for an axis whose longest bar is `most` base units. */
export type UnitOf = (most: number) => { readonly unit: string; readonly size: number };

/** Rounds that share one bar, so that bars stay wide enough to be seen. */
export function roundsPerBar(run: RunData | undefined): number {
  const rounds = run?.rounds.length ?? 0;
  return rounds <= MAX_BARS ? 1 : labelStep(rounds, MAX_BARS);
}

/**
 * One run: a stacked bar for each round, or for the mean of a few neighbouring rounds. Several: one for each run.
 * Layers that are zero throughout are left out.
 */
export function stackedBars(runs: readonly RunData[], layers: readonly Layer[], unitOf: UnitOf): EChartsOption {
  const values = runs.map((run) => valuesOf(run, layers));
  const used = layers.map((_, layer) => values.some((rounds) => rounds.some((round) => (round[layer] ?? 0) > 0)));
  const kept = values.map((rounds) => rounds.map((round) => round.filter((_, layer) => used[layer])));
  const drawn = layers.filter((_, layer) => used[layer]);
  const [only] = runs;
  return runs.length === 1 && only !== undefined
    ? overRounds(only, kept[0] ?? [], drawn, unitOf)
    : overRuns(runs, kept, drawn, unitOf);
}

/** The value of every layer in every round [rounds, layers]. */
function valuesOf(run: RunData, layers: readonly Layer[]): number[][] {
  const evaluations = new Map(run.evaluations.map((evaluation) => [evaluation.round, evaluation]));
  return run.rounds.map((round) => layers.map(({ value }) => value(round, evaluations.get(round.round))));
}

function overRounds(
  run: RunData,
  values: readonly number[][],
  layers: readonly Layer[],
  unitOf: UnitOf,
): EChartsOption {
  const step = roundsPerBar(run);
  const names: string[] = [];
  const bars: number[][] = [];
  for (let first = 0; first < run.rounds.length; first += step) {
    const last = Math.min(first + step, run.rounds.length) - 1;
    names.push(String(run.rounds[last]?.round ?? ""));
    bars.push(means(values.slice(first, last + 1), layers.length));
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

function overRuns(
  runs: readonly RunData[],
  values: readonly number[][][],
  layers: readonly Layer[],
  unitOf: UnitOf,
): EChartsOption {
  const bars = values.map((rounds) => means(rounds, layers.length));
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
function means(rounds: readonly number[][], layers: number): number[] {
  const count = Math.max(1, rounds.length);
  return Array.from(
    { length: layers },
    (_, layer) => rounds.reduce((sum, round) => sum + (round[layer] ?? 0), 0) / count,
  );
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
