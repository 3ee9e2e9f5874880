/**
 * Defences of an update that audits compare, as published attacks are tested against them. Clipping is `clipUpdate` of the
 * pipeline.
 *
 * Citation: J. Sun et al., "Soteria: Provable Defense against Privacy Leakage in Federated Learning from Representation
 * Perspective", CVPR 2021, arXiv:2012.06043.
 */
import { entryView, type Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";

/** floor(share * count) where rounding must not lose one. */
const shareOf = (share: number, count: number): number => Math.floor(share * count + 1e-12);

/**
 * Zeroes the floor(share * size) entries of smallest magnitude of every tensor, in place; of equal ones those that come first.
 *
 * @example
 * ```ts
 * import { layout, pruneSmallest } from "@anabranch/core";
 * const of = layout([{ name: "w", shape: [4], role: "vector", block: "w" }]);
 * const update = Float64Array.of(3, -1, 2, 1);
 * pruneSmallest(update, of, 0.5);
 * update; // => [3, 0, 2, 0]
 * ```
 */
export function pruneSmallest(update: Vector, { entries }: Layout, share: number): void {
  for (const entry of entries) {
    const values = entryView(update, entry);
    const order = Array.from(values, (_, i) => i).sort((a, b) => Math.abs(values[a]!) - Math.abs(values[b]!) || a - b);
    for (const i of order.slice(0, shareOf(share, values.length))) values[i] = 0;
  }
}

/**
 * The features of the last hidden layer that say most about the input for their size: the floor(share * features) with the
 * smallest |dr_j / dx| / |r_j|, ascending. Soteria zeroes their columns of the last layer's gradient.
 *
 * @param features r, [features]
 * @param jacobian dr / dx, one row per feature
 * @example
 * ```ts
 * import { revealingFeatures } from "@anabranch/core";
 * revealingFeatures([1, 2, 1], [[3, 4], [1, 0], [0, 2]], 0.34); // => [1]
 * ```
 */
export function revealingFeatures(
  features: ArrayLike<number>,
  jacobian: readonly ArrayLike<number>[],
  share: number,
): number[] {
  const score = jacobian.map((row, j) => {
    const size = Math.abs(features[j]!);
    return size === 0 ? Number.POSITIVE_INFINITY : Math.hypot(...Array.from(row)) / size;
  });
  const order = score.map((_, j) => j).sort((a, b) => (score[a]! === score[b]! ? a - b : score[a]! - score[b]!));
  return order.slice(0, shareOf(share, score.length)).sort((a, b) => a - b);
}

/**
 * Zeroes columns of the last layer's gradient [classes][features], in place: the defence called Soteria.
 *
 * @example
 * ```ts
 * import { zeroFeatures } from "@anabranch/core";
 * const gradient = [Float64Array.of(1, 2), Float64Array.of(3, 4)];
 * zeroFeatures(gradient, [1]);
 * gradient.map((row) => row[1]); // => [0, 0]
 * ```
 */
export function zeroFeatures(weights: readonly Vector[], features: readonly number[]): void {
  for (const row of weights) for (const j of features) row[j] = 0;
}
