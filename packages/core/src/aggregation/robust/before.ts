/**
 * Stages before a rule.
 *
 * Nearest-neighbour mixing (NNM): every update becomes the mean of the n - f nearest to it, itself among them.
 *   Y. Allouah, S. Farhadkhani, R. Guerraoui, N. Gupta, R. Pinot, J. Stephan. "Fixing by Mixing: A Recipe for Optimal Byzantine
 *   ML under Heterogeneity". AISTATS 2023, arXiv:2302.01772.
 * Bucketing: the updates in a random order, averaged in consecutive groups; the last may be smaller.
 *   S. P. Karimireddy, L. He, M. Jaggi. "Byzantine-Robust Learning on Heterogeneous Datasets via Bucketing". ICLR 2022,
 *   arXiv:2006.09365.
 * Norm bound: x min(1, bound / |x|).
 * Adaptive clipping (ARC): a norm bound that is the (k+1)-th largest norm, k = floor(2f(n-f)/n).
 *   Y. Allouah, R. Guerraoui, N. Gupta, A. Jellouli, G. Rizk, J. Stephan. "Adaptive Gradient Clipping for Robust Federated
 *   Learning". ICLR 2025, arXiv:2405.14432.
 */
import { AnabranchError } from "@anabranch/engine";
import { clipFactor } from "./centred-clipping.ts";
import { ascending, squaredDistances, squaredNorms } from "./distances.ts";
import { type Mixture, mix } from "./mix.ts";
import type { Passes, UpdateSet } from "./passes.ts";
import { requireStage } from "./requirements.ts";
import type { BeforeStage } from "./rule.ts";

/** The set after a stage. Throws `aggregation/too-few` or `aggregation/permutation`. */
export function* applyStage(set: UpdateSet, stage: BeforeStage): Passes<UpdateSet> {
  requireStage(stage, set.count);
  switch (stage.name) {
    case "nnm":
      return mix(set, yield* nearestMixtures(set, stage.byzantine));
    case "bucketing":
      return mix(set, buckets(set.count, stage.size, stage.permutation));
    case "norm-bound":
      return mix(set, clipped(yield* squaredNorms(set), stage.norm));
    case "adaptive-clipping": {
      const squares = yield* squaredNorms(set);
      const clippedCount = Math.floor((2 * stage.byzantine * (set.count - stage.byzantine)) / set.count);
      const largest = squares.map(Math.sqrt).sort();
      return mix(set, clipped(squares, largest[set.count - 1 - clippedCount]!));
    }
  }
}

function* nearestMixtures(set: UpdateSet, byzantine: number): Passes<Mixture[]> {
  const distances = yield* squaredDistances(set);
  // an update is nearest to itself, also beside others that equal it
  const nearest = distances.map((row, i) => [i, ...ascending(row).filter((j) => j !== i)]);
  return nearest.map((places) => {
    const members = places.slice(0, set.count - byzantine).sort((a, b) => a - b);
    return { members, factor: 1, divisor: members.length };
  });
}

function buckets(count: number, size: number, given: readonly number[] | undefined): Mixture[] {
  const order = given ?? Array.from({ length: count }, (_, place) => place);
  if (order.length !== count || new Set(order).size !== count || order.some((place) => !(place in order))) {
    throw new AnabranchError({
      code: "aggregation/permutation",
      message: "the permutation of bucketing is none",
      received: `${order.length} places`,
      expected: `each of 0 to ${count - 1} once`,
    });
  }
  return Array.from({ length: Math.ceil(count / size) }, (_, bucket) => {
    const members = order.slice(bucket * size, (bucket + 1) * size);
    return { members, factor: 1, divisor: members.length };
  });
}

function clipped(squares: Float64Array, bound: number): Mixture[] {
  return Array.from(squares, (square, place) => {
    return { members: [place], factor: clipFactor(Math.sqrt(square), bound), divisor: 1 };
  });
}
