import {
  add,
  argmax,
  cast,
  constant,
  div,
  exp,
  expandDims,
  gather,
  greater,
  matmul,
  max,
  maximum,
  mul,
  oneHot,
  sub,
  sum,
  type Tensor,
  where,
} from "@anabranch/engine";
import { unitRows } from "./losses.ts";

/** How a client divides its examples into groups. */
export interface LocalGrouping {
  /** Groups, G. */
  readonly groups: number;
  /** Examples of a group at least: of a smaller one nothing is sent. */
  readonly smallest: number;
}

/** Assignments to groups are renewed so often, each with so many passes of balancing. */
const [ROUNDS, PASSES] = [5, 10];
/** lambda: scores are exp(lambda cos). */
export const SHARPNESS = 25;

/**
 * A client's centroids in FedoSSL: its features in groups of about the same size, by cosine, and the direction of the mean of
 * each group; zeros for a group that is too small. The first centroids are examples at equal distances in their order.
 *
 * J. Zhang, X. Ma, S. Guo, W. Xu, "Towards Unbiased Training in Federated Open-world Semi-supervised Learning", ICML 2023,
 * arXiv:2305.00771.
 *
 * @param features [n, q]
 * @returns [G, q]
 * @example
 * ```ts
 * import { localCentroids } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const features = constant([2, 0, 3, 0, 0, 1, 0, 4], [4, 2]);
 * evaluate(localCentroids(features, { groups: 2, smallest: 2 })).data; // => [1, 0, 0, 1]
 * ```
 */
export function localCentroids(features: Tensor, { groups, smallest }: LocalGrouping): Tensor {
  const points = unitRows(features);
  const ones = add(mul(sum(points, [1]), 0), 1);
  const order = constant(
    Array.from({ length: groups }, (_, g) => g),
    [groups],
  );
  const first = cast(div(mul(order, sum(ones)), groups), "int32"); // rounded down
  let centroids = gather(points, first, 0);
  let sizes = mul(order, 0);
  for (let round = 0; round < ROUNDS; round++) {
    const members = oneHot(argmax(balanced(matmul(points, centroids, { transposeB: true })), 1), groups);
    sizes = sum(members, [0]);
    const means = div(matmul(members, points, { transposeA: true }), expandDims(maximum(sizes, 1), 1));
    centroids = unitRows(where(greater(expandDims(sizes, 1), 0), means, centroids));
  }
  return mul(centroids, expandDims(where(greater(sizes, smallest - 0.5), 1, 0), 1));
}

/** The balanced assignment of rows to columns, [n, G], see `balancedAssignment`. */
function balanced(scores: Tensor): Tensor {
  const groups = scores.shape[1] as number;
  let rows = exp(mul(sub(scores, max(scores)), SHARPNESS));
  for (let pass = 0; pass < PASSES; pass++) {
    rows = div(rows, mul(groups, expandDims(sum(rows, [0]), 0)));
    rows = div(rows, expandDims(sum(rows, [1]), 1));
  }
  return rows;
}
