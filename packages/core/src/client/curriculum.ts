import {
  add,
  argmax,
  cast,
  equal,
  expandDims,
  type Loop,
  type LoopInputs,
  less,
  mul,
  sub,
  sum,
  type Tensor,
  where,
} from "@anabranch/engine";
import { errorNorms } from "../adapters/index.ts";
import { type Pacing, type PacingSettings, visibleCount, visiblePart } from "../heterogeneity/index.ts";
import type { Model } from "../models/index.ts";

/** Which of its examples a client trains on, by their score under the model that it receives. */
export interface Curriculum extends PacingSettings {
  /** "random": whatever the score. */
  readonly order: "easy-first" | "hard-first" | "random";
  /** Default: loss. */
  readonly score?: "loss" | "error-norm" | undefined;
  readonly pacing: Pacing;
}

/** Examples that a client trains on in a round, which counts from 1. */
export function examplesOf(curriculum: Curriculum | undefined, round: number, examples: number): number {
  if (curriculum === undefined) return examples;
  return visibleCount(examples, visiblePart(curriculum.pacing, round - 1, curriculum));
}

/** What a loop carries beside its own: the place of each example in the order, [n]. */
interface Ordered {
  readonly loop: ReturnType<Loop["begin"]>;
  readonly ranks: Tensor;
}

/**
 * A loop whose mini-batches name places in the order of the examples, in place of rows.
 *
 * @param ranksOf place of each example, from what the loop is given
 */
export function inOrder(loop: Loop, ranksOf: (inputs: LoopInputs) => Tensor): Loop {
  return {
    begin: (inputs) => ({ loop: loop.begin(inputs), ranks: ranksOf(inputs) }),
    step(carry, slice, inputs) {
      const { loop: own, ranks } = carry as unknown as Ordered;
      const { indices, ...rest } = slice as { readonly indices: Tensor };
      const next = loop.step(own, { ...rest, indices: rowsAtPlaces(ranks, indices) }, inputs);
      return { carry: { loop: next.carry, ranks }, output: next.output };
    },
    end: (carry, outputs, inputs) => loop.end((carry as unknown as Ordered).loop, outputs, inputs),
  };
}

/** Place of each example in the order of a curriculum, float [n]; where it is random, the places that the host has drawn. */
export function exampleRanks(
  { order, score }: Curriculum,
  model: Pick<Model, "losses">,
  { outputs, labels, places }: { readonly outputs: Tensor; readonly labels: Tensor; readonly places: Tensor },
): Tensor {
  if (order === "random") return places;
  const scores = score === "error-norm" ? errorNorms(outputs, cast(labels, "int32")) : model.losses(outputs, labels);
  return placesOf(scores, places, order);
}

/**
 * Place of each value in ascending order, from 0, or in descending order: float [n] of any length n. Equal values are in the
 * order of `places`, or in the reverse one.
 *
 * @param places 0, 1, ..., n - 1, float [n]
 */
export function placesOf(values: Tensor, places: Tensor, order: "easy-first" | "hard-first"): Tensor {
  const [row, column] = [(x: Tensor) => expandDims(x, 0), (x: Tensor) => expandDims(x, 1)];
  const lower = where(less(row(values), column(values)), 1, 0);
  const before = where(less(row(places), column(places)), 1, 0);
  const ranks = sum(add(lower, where(equal(row(values), column(values)), before, 0)), [1]);
  if (order === "easy-first") return ranks;
  return sub(sum(add(mul(ranks, 0), 1)), add(ranks, 1));
}

/** The row at each place, int32 [B]. */
function rowsAtPlaces(ranks: Tensor, places: Tensor): Tensor {
  const isThere = equal(expandDims(ranks, 0), expandDims(cast(places, "float"), 1));
  return cast(argmax(where(isThere, 1, 0), 1), "int32");
}
