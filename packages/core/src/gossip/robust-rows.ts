import type { SparseRow } from "../topology/index.ts";
import { type Models, modelOf, squaredDistance } from "./models.ts";

/**
 * Self-centred clipping as a mixing matrix: x_i + sum_j W_ij clip(x_j - x_i, radius). What a neighbour's weight loses by
 * clipping stays with the node itself.
 *
 * Reference: L. He, S. P. Karimireddy, M. Jaggi, "Byzantine-Robust Decentralized Learning via ClippedGossip", 2022,
 * arXiv:2202.01545.
 */
export function clippedRows(models: Models, rows: readonly SparseRow[], radius: number): readonly SparseRow[] {
  return rows.map(({ nodes, weights }, i) => {
    const own = modelOf(models, i);
    const clipped = nodes.map((node, k) => {
      if (node === i) return 0;
      const distance = Math.sqrt(squaredDistance(modelOf(models, node), own));
      return distance > radius ? (weights[k]! * radius) / distance : weights[k]!;
    });
    const others = clipped.reduce((sum, weight) => sum + weight, 0);
    return { nodes, weights: nodes.map((node, k) => (node === i ? 1 - others : clipped[k]!)) };
  });
}

/**
 * Nearest-neighbour averaging as a mixing matrix: of the models that a node has, its own included, it leaves out the
 * `byzantine` farthest from its own and takes the mean of the others. Equal distances: the earlier one in the row is
 * nearer. Weights of the rows do not count.
 *
 * Reference: S. Farhadkhani et al., "Robust Collaborative Learning with Linear Gradient Overhead" (MoNNA), ICML 2023.
 *
 * @example
 * ```ts
 * import { modelsOf, nearestRows } from "@anabranch/core";
 * const models = modelsOf([0, 1, 100].map((value) => Float32Array.of(value)));
 * const row = { nodes: [0, 1, 2], weights: [1 / 3, 1 / 3, 1 / 3] };
 * nearestRows(models, [row], 1); // => [{ nodes: [0, 1], weights: [0.5, 0.5] }]
 * ```
 */
export function nearestRows(models: Models, rows: readonly SparseRow[], byzantine: number): readonly SparseRow[] {
  return rows.map(({ nodes }, i) => {
    const own = modelOf(models, i);
    const received = nodes.map((node, place) => {
      return { node, place, distance: node === i ? -1 : squaredDistance(modelOf(models, node), own) };
    });
    received.sort((a, b) => a.distance - b.distance || a.place - b.place);
    const kept = received.slice(0, Math.max(1, nodes.length - byzantine)).map(({ node }) => node);
    return { nodes: kept.sort((a, b) => a - b), weights: kept.map(() => 1 / kept.length) };
  });
}
