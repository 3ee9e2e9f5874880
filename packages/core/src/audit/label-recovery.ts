/**
 * Labels from the gradient of the last layer, z = W f + b under softmax cross-entropy: the gradient of b is the mean of
 * p - onehot(y), so an entry is negative only where its class occurs.
 *
 * Citations: B. Zhao, K. R. Mopuri, H. Bilen, "iDLG: Improved Deep Leakage from Gradients", 2020, arXiv:2001.02610; H. Yin et
 * al., "See through Gradients: Image Batch Recovery via GradInversion", CVPR 2021, arXiv:2104.07586 (smallest entries); A.
 * Wainakh et al., "User-Level Label Leakage from Gradients in Federated Learning", PoPETs 2022, arXiv:2105.09369 (repeated).
 */

/** Gradient of a layer: one row of weights per output, [outputs][inputs], and of its bias, [outputs]. */
export interface LayerGradient {
  readonly weights: readonly ArrayLike<number>[];
  readonly bias?: ArrayLike<number> | undefined;
}

/**
 * The label of a single example: the class whose bias has the smallest gradient; the lower of equal ones.
 *
 * @example
 * ```ts
 * import { labelFromBias } from "@anabranch/core";
 * labelFromBias([0.2, -0.7, 0.5]); // => 1
 * ```
 */
export function labelFromBias(bias: ArrayLike<number>): number {
  return indexOfLeast(Array.from(bias));
}

/**
 * The label of a single example without a bias: the class whose weights have the smallest sum of gradients. Right where the
 * features are not negative, as after relu.
 *
 * @example
 * ```ts
 * import { labelFromWeights } from "@anabranch/core";
 * labelFromWeights([[0.2, 0.1], [-0.7, -0.4]]); // => 1
 * ```
 */
export function labelFromWeights(weights: readonly ArrayLike<number>[]): number {
  return indexOfLeast(weights.map((row) => Array.from(row).reduce((sum, value) => sum + value, 0)));
}

/**
 * The classes that occur in a batch, ascending: those whose bias has a negative gradient. All of them where the batch has each
 * class at most once and p is small.
 *
 * @example
 * ```ts
 * import { labelsPresent } from "@anabranch/core";
 * labelsPresent([-0.2, 0.6, -0.4]); // => [0, 2]
 * ```
 */
export function labelsPresent(bias: ArrayLike<number>): number[] {
  return Array.from(bias).flatMap((value, label) => (value < 0 ? [label] : []));
}

/**
 * The `count` classes with the smallest entry among the gradients of their weights, ascending: for batches without repeated
 * classes and layers without bias.
 *
 * @example
 * ```ts
 * import { labelsBySmallestEntry } from "@anabranch/core";
 * labelsBySmallestEntry([[-0.1, 0.3], [0.2, 0.1], [-0.5, 0]], 2); // => [0, 2]
 * ```
 */
export function labelsBySmallestEntry(weights: readonly ArrayLike<number>[], count: number): number[] {
  const least = weights.map((row) => Array.from(row).reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY));
  const order = least.map((_, label) => label).sort((a, b) => least[a]! - least[b]! || a - b);
  return order.slice(0, count).sort((a, b) => a - b);
}

/**
 * The labels of a batch of `count` examples in which classes repeat, sorted: every class with a negative entry once; then
 * again the class with the smallest entry that is left, after each found label has taken off its mean share.
 *
 * @example
 * ```ts
 * import { labelsWithRepeats } from "@anabranch/core";
 * labelsWithRepeats([-0.2, 0.9, -0.7], 3); // => [0, 2, 2]
 * ```
 */
export function labelsWithRepeats(bias: ArrayLike<number>, count: number): number[] {
  const left = Float64Array.from(bias);
  const present = labelsPresent(left);
  const share = present.reduce((sum, label) => sum + left[label]!, 0) / count;
  const found = [...present].sort((a, b) => left[a]! - left[b]! || a - b).slice(0, count);
  for (const label of found) left[label]! -= share;
  while (found.length < count) {
    const label = indexOfLeast(Array.from(left));
    left[label]! -= share;
    found.push(label);
  }
  return found.sort((a, b) => a - b);
}

/**
 * Share of a batch's labels that are among the recovered ones, each counted as often as it occurs.
 *
 * @example
 * ```ts
 * import { labelAccuracy } from "@anabranch/core";
 * labelAccuracy([3, 3, 5, 7], [3, 5, 5, 7]); // => 0.75
 * ```
 */
export function labelAccuracy(truth: readonly number[], recovered: readonly number[]): number {
  const left = new Map<number, number>();
  for (const label of recovered) left.set(label, (left.get(label) ?? 0) + 1);
  let right = 0;
  for (const label of truth) {
    const count = left.get(label) ?? 0;
    if (count === 0) continue;
    left.set(label, count - 1);
    right++;
  }
  return right / truth.length;
}

function indexOfLeast(values: readonly number[]): number {
  return values.reduce((best, value, i) => (value < values[best]! ? i : best), 0);
}
