import {
  add,
  argmax,
  constant,
  div,
  gather,
  gatherLast,
  log,
  matmul,
  mean,
  mul,
  neg,
  oneHot,
  slice,
  softmax,
  softmaxCrossEntropy,
  sub,
  sum,
  type Tensor,
} from "@anabranch/engine";
import { cosineDistances } from "../clustering/index.ts";
import { normalisedRows } from "./losses.ts";

/** A batch whose first rows are labelled: softmax logits of two views [B, C], and labels of the first rows. */
export interface OpenWorldBatch {
  readonly views: readonly [a: Tensor, b: Tensor];
  /** Of the first rows. */
  readonly labels: readonly number[];
  /** A partner of each row, [B]: see `partnersOf`. */
  readonly partners: readonly number[];
}

/**
 * A partner of each row: the given one of a labelled row, the nearest other row by cosine of an unlabelled one (ties: the
 * first).
 *
 * @param features [B][q]
 * @param labelled partners of the first rows
 *
 * @example
 * ```ts
 * import { partnersOf } from "@anabranch/core";
 * partnersOf([[1, 0], [0, 1], [1, 0.1]], []); // => [2, 2, 0]
 * ```
 */
export function partnersOf(features: readonly (readonly number[])[], labelled: readonly number[]): number[] {
  const { count, values } = cosineDistances(features.map((row) => Float64Array.from(row)));
  return features.map((_, i) => {
    if (i < labelled.length) return labelled[i]!;
    const others = features.map((_row, j) => j).filter((j) => j !== i);
    return others.reduce((best, j) => (values[i * count + j]! < values[i * count + best]! ? j : best));
  });
}

/**
 * Addition to the true logit of labelled rows: scale * min(0.5, u), with the uncertainty u of a client's own outputs.
 *
 * @example
 * ```ts
 * import { adaptiveMargin } from "@anabranch/core";
 * [0.2, 0.9].map((uncertainty) => adaptiveMargin(uncertainty, 2)); // => [0.4, 1]
 * ```
 */
export function adaptiveMargin(uncertainty: number, scale: number): number {
  return scale * Math.min(0.5, uncertainty);
}

/**
 * Terms of FedoSSL's loss, to be weighted and added: of labelled rows the cross-entropy with margin; of all rows
 * -log <p_i, p'_partner>, and the negated entropy of the mean output, which is minimised.
 *
 * J. Zhang, X. Ma, S. Guo, W. Xu, "Towards Unbiased Training in Federated Open-world Semi-supervised Learning", ICML 2023,
 * arXiv:2305.00771.
 *
 * @example
 * ```ts
 * import { openWorldTerms } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const view = constant([0, 0, 0, 0], [2, 2]);
 * const { supervised, pairwise } = openWorldTerms({ views: [view, view], labels: [0], partners: [1, 0] }, 0);
 * [supervised, pairwise].map((term) => evaluate(term).data[0]); // => [0.6931, 0.6931]
 * ```
 */
export function openWorldTerms(
  { views: [a, b], labels, partners }: OpenWorldBatch,
  margin: number,
): Readonly<Record<"supervised" | "pairwise" | "entropy", Tensor>> {
  const [rows, classes] = a.shape as readonly [number, number];
  const [p, q] = [softmax(a), softmax(b)];
  const partner = gather(q, constant(partners, [rows], "int32"), 0);
  const middle = mean(p, [0]);
  return {
    supervised: marginLoss(slice(a, [0, 0], [labels.length, classes]), labels, margin),
    pairwise: neg(mean(log(sum(mul(p, partner), [1])))),
    entropy: sum(mul(middle, log(middle))),
  };
}

/** Mean cross-entropy where the true logit is raised by the margin. */
function marginLoss(logits: Tensor, labels: readonly number[], margin: number): Tensor {
  const classes = logits.shape[1] as number;
  const truth = constant(labels, [labels.length], "int32");
  return mean(softmaxCrossEntropy(add(logits, mul(margin, oneHot(truth, classes))), truth));
}

/**
 * Posterior of each row over centroids, softmax(cos(f, centroid) / T), [B, C].
 *
 * @example
 * ```ts
 * import { centroidPosterior } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const centroids = constant([1, 0, 0, 1], [2, 2]);
 * evaluate(centroidPosterior(constant([3, 0], [1, 2]), centroids, 0.5)).data; // => [0.8808, 0.1192]
 * ```
 */
export function centroidPosterior(features: Tensor, centroids: Tensor, temperature: number): Tensor {
  const cosines = matmul(normalisedRows(features), normalisedRows(centroids), { transposeB: true });
  return softmax(div(cosines, temperature));
}

/**
 * -mean sum pi_i log pi_partner
 *
 * @example
 * ```ts
 * import { calibrationLoss } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * evaluate(calibrationLoss(constant([0.5, 0.5, 0.5, 0.5], [2, 2]), [1, 0])).data; // => [0.6931]
 * ```
 */
export function calibrationLoss(posterior: Tensor, partners: readonly number[]): Tensor {
  const other = gather(posterior, constant(partners, [partners.length], "int32"), 0);
  return neg(mean(sum(mul(posterior, log(other)), [1])));
}

/**
 * Weights of the classes in the suppressed term, beta^(1 - N_k / N_max): 1 for the commonest class.
 *
 * @param counts N_k, examples by class as pseudo-labels say
 *
 * @example
 * ```ts
 * import { classWeights } from "@anabranch/core";
 * classWeights([10, 5], 0.25); // => [1, 0.5]
 * ```
 */
export function classWeights(counts: readonly number[], beta: number): number[] {
  const most = Math.max(...counts);
  return counts.map((count) => (most === 0 ? 1 : beta ** (1 - count / most)));
}

/**
 * The uncertainty-aware suppressed term: mean over unlabelled rows of w_k (1 - p_k) / C, with k the row's most likely
 * class, which is a constant.
 *
 * @param labelled number of labelled rows, which come first
 *
 * @example
 * ```ts
 * import { suppressedLoss } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * evaluate(suppressedLoss(constant([0, 0, 0, 0], [2, 2]), 1, [1, 1])).data; // => [0.25]
 * ```
 */
export function suppressedLoss(logits: Tensor, labelled: number, weights: readonly number[]): Tensor {
  const [rows, classes] = logits.shape as readonly [number, number];
  const p = softmax(slice(logits, [labelled, 0], [rows, classes]));
  const likely = argmax(p, 1);
  const weight = gather(constant(weights, [classes]), likely, 0);
  return mean(mul(weight, div(sub(1, gatherLast(p, likely)), classes)));
}
