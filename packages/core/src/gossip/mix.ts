import type { SparseRow } from "../topology/index.ts";
import { emptyLike, type Models, modelOf } from "./models.ts";

/**
 * One step of mixing: model i becomes sum_j W_ij x_j, added in float64 in the order of the row and rounded once. A row
 * gives the result of the node of its place; there may be fewer rows than models.
 *
 * @example
 * ```ts
 * import { graphOf, mix, mixingRows, modelOf, modelsOf } from "@anabranch/core";
 * const rows = mixingRows(graphOf(2, [[0, 1]]), "metropolis");
 * const models = modelsOf([Float64Array.of(1), Float64Array.of(3)]);
 * modelOf(mix(models, rows), 0); // => [2]
 * ```
 */
export function mix(models: Models, rows: readonly SparseRow[]): Models {
  const mixed = emptyLike({ ...models, count: rows.length });
  const sums = new Float64Array(models.size);
  for (const [i, { nodes, weights }] of rows.entries()) {
    sums.fill(0);
    for (const [k, node] of nodes.entries()) {
      const weight = weights[k]!;
      const model = modelOf(models, node);
      for (let j = 0; j < sums.length; j++) sums[j]! += weight * model[j]!;
    }
    modelOf(mixed, i).set(sums);
  }
  return mixed;
}

/** What is left of a mixing matrix where only some nodes take part: the others' weight stays with the node itself. */
export function activeRows(rows: readonly SparseRow[], active: ReadonlySet<number>): readonly SparseRow[] {
  if (rows.every((_, node) => active.has(node))) return rows;
  return rows.map(({ nodes, weights }, i) => {
    if (!active.has(i)) return { nodes: [i], weights: [1] };
    const lost = nodes.reduce((sum, node, k) => (active.has(node) ? sum : sum + weights[k]!), 0);
    const left = nodes.flatMap((node, k) => (active.has(node) ? [{ node, weight: weights[k]! }] : []));
    return {
      nodes: left.map(({ node }) => node),
      weights: left.map(({ node, weight }) => (node === i ? weight + lost : weight)),
    };
  });
}
