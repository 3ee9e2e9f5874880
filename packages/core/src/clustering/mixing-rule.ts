import { type Models, mix, modelsOf } from "../gossip/index.ts";
import type { Vector } from "../params/vector.ts";
import type { SparseRow } from "../topology/index.ts";

/**
 * W' = A W, the one rule by which servers combine models of clients: row i of A says how much of whose model becomes the
 * i-th result. FedAvg has equal rows, clusters have blocks, FED-PUB and KnFu have rows of similarities, local training has
 * the identity. Sums are in float64.
 *
 * @param rows of A, each summing to 1
 * @returns [rows, d]
 * @example
 * ```ts
 * import { mixed } from "@anabranch/core";
 * const models = [Float64Array.of(1), Float64Array.of(3)];
 * mixed(models, [{ nodes: [0, 1], weights: [0.5, 0.5] }]).data; // => [2]
 * ```
 */
export function mixed(models: readonly Vector[], rows: readonly SparseRow[]): Models {
  return mix(modelsOf(models), rows);
}

/**
 * Rows of A from a matrix [n, n] of weights, each divided by its sum.
 *
 * @example
 * ```ts
 * import { normalisedRows } from "@anabranch/core";
 * normalisedRows([[1, 3]])[0]?.weights; // => [0.25, 0.75]
 * ```
 */
export function normalisedRows(weights: readonly (readonly number[])[]): SparseRow[] {
  return weights.map((row) => {
    const sum = row.reduce((a, b) => a + b, 0);
    return { nodes: row.map((_, j) => j), weights: row.map((weight) => weight / sum) };
  });
}
