import { largest } from "@anabranch/engine";
import type { LegendEntry, Plot } from "../plot/plot.ts";
import type { RunData } from "../run-data.ts";
import { type ChartGroup, onlyRun } from "./chart.ts";

const MAX_BARS = 60;

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
  return rounds <= MAX_BARS ? 1 : roundStep(rounds / MAX_BARS);
}

/** The least of 1, 2, 5, 10, 20, ... that is at least `size`. */
function roundStep(size: number): number {
  for (let power = 1; ; power *= 10) {
    for (const factor of [1, 2, 5]) if (factor * power >= size) return factor * power;
  }
}

/**
 * One run: a stacked bar for each round, or for the mean of a few neighbouring rounds. Several groups: one for each, the
 * mean over its rounds and seeds. Layers that are zero throughout are left out.
 */
export function stackedBars(groups: readonly ChartGroup[], layers: readonly Layer[], unitOf: UnitOf): Plot {
  const run = onlyRun(groups);
  return run === undefined ? overGroups(groups, layers, unitOf) : overRounds(run, layers, unitOf);
}

function overRounds(run: RunData, layers: readonly Layer[], unitOf: UnitOf): Plot {
  const step = roundsPerBar(run);
  const values = valuesOf(run, layers);
  const names: string[] = [];
  const bars: number[][] = [];
  for (let first = 0; first < run.rounds.length; first += step) {
    const last = Math.min(first + step, run.rounds.length) - 1;
    names.push(String(run.rounds[last]?.round ?? ""));
    bars.push(means(values.slice(first, last + 1), layers.length));
  }
  const { unit, size } = unitOf(longest(bars));
  return { x: { label: "round", names }, y: { label: `${unit} per round`, min: 0 }, ...stacked(bars, layers, size) };
}

function overGroups(groups: readonly ChartGroup[], layers: readonly Layer[], unitOf: UnitOf): Plot {
  const bars = groups.map(({ runs }) =>
    means(
      runs.flatMap((run) => valuesOf(run, layers)),
      layers.length,
    ),
  );
  const { unit, size } = unitOf(longest(bars));
  const names = groups.map(({ name }) => name);
  return { x: { label: `${unit} per round`, min: 0 }, y: { label: "", names }, ...stacked(bars, layers, size) };
}

/** @param bars the value of every layer in every bar [bars, layers] */
function stacked(bars: readonly number[][], layers: readonly Layer[], size: number): Pick<Plot, "legend" | "marks"> {
  const used = layers.flatMap(({ name, colour }, layer) =>
    bars.some((bar) => bar[layer]! > 0) ? [{ name, colour, layer }] : [],
  );
  return {
    legend: used.map(({ name, colour }) => ({ name, colour })),
    marks: used.map(({ name, colour, layer }) => ({
      kind: "bars",
      name,
      colour,
      values: bars.map((bar) => Number((bar[layer]! / size).toPrecision(6))),
    })),
  };
}

/** The value of every layer in every round [rounds, layers]. */
function valuesOf(run: RunData, layers: readonly Layer[]): number[][] {
  const evaluations = new Map(run.evaluations.map((evaluation) => [evaluation.round, evaluation]));
  return run.rounds.map((round) => layers.map(({ value }) => value(round, evaluations.get(round.round))));
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
  const lengths = bars.map((bar) => bar.reduce((sum, value) => sum + value, 0));
  return largest(lengths, 0);
}
