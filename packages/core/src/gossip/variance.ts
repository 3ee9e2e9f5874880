import type { SparseRow } from "../topology/index.ts";
import { mix } from "./mix.ts";
import { type Models, modelOf } from "./models.ts";

/** A tensor of the model within the flat vector. */
export interface Layer {
  readonly offset: number;
  readonly size: number;
}

/** Tensors that vary less are averaged as they are, e.g. biases at the start. */
const NO_VARIANCE = 1e-12;

/**
 * The plain mean of the models that each node has, with the variance that averaging takes away from each layer given back:
 * (a - mean(a)) * sqrt(mean_i var(x_i) / var(a)) + mean(a) for the averaged layer a. Weights of the rows do not count.
 *
 * Reference: Y. Tian, Z. Al-Ars, M. Kitsak, P. Hofstee, "Vanishing Variance Problem in Fully Decentralized Neural-Network
 * Systems", 2024, arXiv:2404.04616.
 */
export function varianceCorrected(models: Models, rows: readonly SparseRow[], layers: readonly Layer[]): Models {
  const plain = rows.map(({ nodes }) => ({ nodes, weights: nodes.map(() => 1 / nodes.length) }));
  const mixed = mix(models, plain);
  for (const { offset, size } of layers) {
    const own = Array.from({ length: models.count }, (_, node) => {
      return momentsOf(modelOf(models, node).subarray(offset, offset + size)).variance;
    });
    for (const [i, { nodes }] of rows.entries()) {
      const layer = modelOf(mixed, i).subarray(offset, offset + size);
      const { mean, variance } = momentsOf(layer);
      if (nodes.length === 1 || variance < NO_VARIANCE) continue;
      const kept = nodes.reduce((sum, node) => sum + own[node]!, 0) / nodes.length;
      const scale = Math.sqrt(kept / variance);
      for (let j = 0; j < size; j++) layer[j] = (layer[j]! - mean) * scale + mean;
    }
  }
  return mixed;
}

/** Mean and population variance in float64. */
export function momentsOf(values: ArrayLike<number>): { readonly mean: number; readonly variance: number } {
  let sum = 0;
  for (let j = 0; j < values.length; j++) sum += values[j]!;
  const mean = sum / values.length;
  let squares = 0;
  for (let j = 0; j < values.length; j++) squares += (values[j]! - mean) ** 2;
  return { mean, variance: squares / values.length };
}
