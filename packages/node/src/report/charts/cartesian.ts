import { largest, smallest } from "@anabranch/engine";
import { seriesColour, seriesDash } from "../plot/colours.ts";
import type { Axis, Colour, Dash, LegendEntry, Line, Plot } from "../plot/plot.ts";
import type { RunData } from "../run-data.ts";
import { allRuns, type ChartGroup } from "./chart.ts";

/** A point of a curve. Points of several seeds are averaged where their keys are equal; the key is x where none is given. */
export type Point = readonly [x: number, y: number, key?: number];

/** Points of a curve at most: more cannot be seen. */
const MOST_POINTS = 1500;

/** One curve for each group over the same axes. */
export function overlay(
  groups: readonly ChartGroup[],
  curveOf: (run: RunData) => readonly Point[],
  axes: Pick<Plot, "x" | "y">,
): Plot | undefined {
  const marks = groups.map((group) => groupCurve(group, curveOf, isBaseline(group) ? "dotted" : undefined));
  return marks.some(({ points }) => points.length > 0) ? { ...axes, legend: groupLegend(groups), marks } : undefined;
}

function isBaseline({ runs }: ChartGroup): boolean {
  return runs[0]?.start?.baseline !== undefined;
}

export function groupLegend(groups: readonly ChartGroup[]): LegendEntry[] {
  return groups.map(({ name, colour }) => ({ name, colour: seriesColour(colour) }));
}

/** The mean of a group's curves with a band from the lowest to the highest seed, where all seeds have a value. */
export function groupCurve(
  { name, colour, runs }: ChartGroup,
  curveOf: (run: RunData) => readonly Point[],
  dash: Dash = seriesDash(colour),
): Line {
  const curves = runs.map(curveOf).filter((points) => points.some(([, y]) => Number.isFinite(y)));
  if (curves.length < 2) return curve(name, seriesColour(colour), curves[0] ?? [], dash);
  const byKey = Map.groupBy(curves.flat(), ([x, , key]) => key ?? x);
  const keys = [...byKey.keys()].sort((a, b) => a - b);
  const rows = keys.map((key) => {
    const same = byKey.get(key)!;
    const ys = same.map(([, y]) => y);
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const isWhole = same.length === curves.length && ys.every(Number.isFinite);
    const x = mean(same.map(([at]) => at));
    return { point: [x, isWhole ? mean(ys) : Number.NaN] as const, low: smallest(ys), high: largest(ys) };
  });
  const kept = thinned(rows);
  const { points, ...line } = curve(
    name,
    seriesColour(colour),
    kept.map(({ point }) => point),
    dash,
  );
  return { ...line, points, band: points.map(([, y], i) => (y === null ? null : [kept[i]!.low, kept[i]!.high])) };
}

/** One curve. It is broken where a value is not finite. */
export function curve(name: string, colour: Colour, points: readonly Point[], dash: Dash = "solid"): Line {
  const known = thinned(points.filter(([x]) => Number.isFinite(x)));
  const drawn = known.map(([x, y]): [number, number | null] => [rounded(x), Number.isFinite(y) ? rounded(y) : null]);
  return { kind: "line", name, colour, dash, points: drawn.some(([, y]) => y !== null) ? drawn : [] };
}

/** Six significant digits: what can be seen, in fewer characters. */
function rounded(value: number): number {
  return Number(value.toPrecision(6));
}

/** Every n-th entry counted from the last one. */
function thinned<T>(entries: readonly T[]): readonly T[] {
  const step = Math.ceil(entries.length / MOST_POINTS);
  return step <= 1 ? entries : entries.filter((_, i) => (entries.length - 1 - i) % step === 0);
}

/** The axis of rounds, from 0 to the last round of all runs. */
export function roundAxis(groups: readonly ChartGroup[]): Axis {
  return { label: "round", min: 0, max: lastRound(allRuns(groups)), integer: true };
}

/** Last round of all runs: the common end of their round axes. */
export function lastRound(runs: readonly Pick<RunData, "rounds" | "evaluations">[]): number {
  return largest(
    runs.map((run) => Math.max(run.rounds.at(-1)?.round ?? 0, run.evaluations.at(-1)?.round ?? 0)),
    1,
  );
}
