import type { Grid, Values } from "./values.ts";

/** By what a tuning chooses: the mean accuracy of the last evaluations, or that of the very last one. */
export type TuningMetric = "recentAccuracy" | "accuracy";

/** A checked sweep file. */
export interface SweepSpec {
  readonly name: string;
  /** Path of the base configuration as written, relative to the sweep file. */
  readonly base: string;
  /** Undefined: the base's own. */
  readonly seeds: readonly number[] | undefined;
  readonly set: Values;
  readonly tune: TuneSpec | undefined;
  /** Undefined: the base alone. */
  readonly variants: readonly VariantSpec[] | undefined;
  /** The grid of a sweep without variants. */
  readonly grid: Grid;
}

export interface TuneSpec {
  readonly seed: number | undefined;
  /** Undefined: a third of the rounds. */
  readonly rounds: number | undefined;
  readonly metric: TuningMetric;
  /** Values of grid keys at which tuning is done. */
  readonly at: Values;
  readonly grid: Grid;
}

export interface VariantSpec {
  readonly name: string;
  readonly set: Values;
  /** The sweep's grid with the variant's own keys in place of it. */
  readonly grid: Grid;
  /** What is tuned: the variant's own grid, or that of the sweep; empty where nothing is. */
  readonly tune: Grid;
}
