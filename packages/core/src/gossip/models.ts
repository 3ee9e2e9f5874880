import { type Vector, zerosLike } from "../params/vector.ts";
import { range } from "../topology/index.ts";

/** The models of several nodes, one after the other in one vector. */
export interface Models {
  readonly count: number;
  /** d, parameters of each. */
  readonly size: number;
  /** [count, d], row-major */
  readonly data: Vector;
}

/**
 * A view of the model of a node, [d].
 *
 * @example
 * ```ts
 * import { modelOf, modelsOf } from "@anabranch/core";
 * modelOf(modelsOf([Float32Array.of(1, 2), Float32Array.of(3, 4)]), 1); // => [3, 4]
 * ```
 */
export function modelOf({ data, size }: Models, node: number): Vector {
  return data.subarray(node * size, (node + 1) * size);
}

/** Zeros with the shape and element type of other models. */
export function emptyLike({ count, size, data }: Models): Models {
  return { count, size, data: zerosLike(data, count * size) };
}

/**
 * Models from equally long vectors.
 *
 * @example
 * ```ts
 * import { modelsOf } from "@anabranch/core";
 * modelsOf([Float32Array.of(1, 2), Float32Array.of(3, 4)]).data; // => [1, 2, 3, 4]
 * ```
 */
export function modelsOf(vectors: readonly Vector[]): Models {
  const size = vectors[0]!.length;
  const data = zerosLike(vectors[0]!, vectors.length * size);
  for (const [node, vector] of vectors.entries()) data.set(vector, node * size);
  return { count: vectors.length, size, data };
}

/** The mean of all models, [d], added in float64 in the order of the nodes. */
export function meanModel(models: Models): Vector {
  const sums = new Float64Array(models.size);
  for (const node of range(models.count)) {
    const model = modelOf(models, node);
    for (let j = 0; j < sums.length; j++) sums[j]! += model[j]!;
  }
  const mean = zerosLike(models.data, models.size);
  for (let j = 0; j < sums.length; j++) mean[j] = sums[j]! / models.count;
  return mean;
}

/** How far nodes disagree: sqrt(mean_i |x_i - mean|^2). */
export function consensusDistance(models: Models): number {
  const mean = meanModel(models);
  let sum = 0;
  for (const node of range(models.count)) sum += squaredDistance(modelOf(models, node), mean);
  return Math.sqrt(sum / models.count);
}

/** |a - b|^2 in float64. */
export function squaredDistance(a: Vector, b: Vector): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += (a[j]! - b[j]!) ** 2;
  return sum;
}
