import { shareOf } from "../adapters/structured-pruning.ts";
import type { CutSettings } from "../models/model-cut.ts";

/** How clients train a model that is split between them (head and tail) and a server (body). */
export interface SplitTraining extends CutSettings {
  /** Share of a client's examples that it leaves out of split training. */
  readonly drop: number;
  /** Which end of the scores stays; "random": any, whatever the scores. */
  readonly keep: "hardest" | "easiest" | "random";
  /** Passes over a client's examples before, through its own parts alone. */
  readonly localLossEpochs: number;
}

/**
 * Examples of n that go through the body: n - floor(drop n), at least one.
 *
 * @example
 * ```ts
 * import { keptExamples } from "@anabranch/core";
 * keptExamples(24, 0.2); // => 20
 * ```
 */
export function keptExamples(examples: number, drop: number): number {
  return Math.max(1, examples - shareOf(examples, drop));
}
