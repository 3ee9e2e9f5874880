import {
  add,
  argmax,
  cast,
  constant,
  div,
  equal,
  exp,
  expandDims,
  gather,
  gatherLast,
  greater,
  less,
  log,
  matmul,
  max,
  maximum,
  mean,
  minimum,
  mul,
  neg,
  oneHot,
  softmax,
  softmaxCrossEntropy,
  sub,
  sum,
  type Tensor,
  where,
} from "@anabranch/engine";
import { normalisedRows, unitRows } from "./losses.ts";

/** A batch of which some rows are labelled: logits of two views [B, C]. */
export interface OpenWorldBatch {
  readonly views: readonly [a: Tensor, b: Tensor];
  /** Class of each row, int32 [B]; C or more where it is not known. */
  readonly labels: Tensor;
  /** A partner of each row, int32 [B]: see `partnersOf`. */
  readonly partners: Tensor;
  /** 1 for a row that counts and 0 for padding, [B]. */
  readonly counts: Tensor;
}

const SMALLEST = 1e-30;
const asFloat = (condition: Tensor) => where(condition, 1, 0);
const meanOver = (values: Tensor, mask: Tensor) => div(sum(mul(values, mask)), maximum(sum(mask), 1));

/**
 * 1 for rows that count and whose class is known, [B].
 *
 * @example
 * ```ts
 * import { knownRows } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * evaluate(knownRows(constant([0, 3, 2], [3], "int32"), 3, constant([1, 1, 1], [3]))).data; // => [1, 0, 1]
 * ```
 */
export function knownRows(labels: Tensor, classes: number, counts: Tensor): Tensor {
  return mul(asFloat(less(labels, constant(classes, [], "int32"))), counts);
}

/**
 * A partner of each row: of a labelled row the next one of its class, which is a random one where batches are in random order,
 * or itself; of another row the nearest other one by cosine (ties: the first). Padding is no partner.
 *
 * @param features [B, q]
 * @returns int32 [B]
 * @example
 * ```ts
 * import { partnersOf } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const features = constant([1, 0, 0, 1, 1, 0.1, 0, 5], [4, 2]);
 * const [labels, counts] = [constant([0, 9, 0, 9], [4], "int32"), constant([1, 1, 1, 1], [4])];
 * evaluate(partnersOf(features, labels, 2, counts)).data; // => [2, 3, 0, 1]
 * ```
 */
export function partnersOf(features: Tensor, labels: Tensor, classes: number, counts: Tensor): Tensor {
  const rows = features.shape[0] as number;
  const known = knownRows(labels, classes, counts);
  const distance = (i: number, j: number) => (j - i + rows) % rows;
  const table = (value: (i: number, j: number) => number) =>
    constant(
      Array.from({ length: rows * rows }, (_, k) => value(Math.floor(k / rows), k % rows)),
      [rows, rows],
    );
  // the next row of the class scores highest, itself lowest
  const order = table((i, j) => (i === j ? 0.5 : rows - distance(i, j)));
  const sameClass = asFloat(equal(expandDims(labels, 0), expandDims(labels, 1)));
  const next = argmax(mul(mul(order, sameClass), expandDims(known, 0)), 1);
  const unit = normalisedRows(add(features, SMALLEST));
  const cosines = matmul(unit, unit, { transposeB: true });
  const barred = add(
    table((i, j) => (i === j ? 4 : 0)),
    mul(4, sub(1, expandDims(counts, 0))),
  );
  const nearest = argmax(sub(cosines, barred), 1);
  const isKnown = less(labels, constant(classes, [], "int32"));
  return cast(where(isKnown, next, nearest), "int32");
}

/**
 * Addition to the true logit of labelled rows: scale * min(0.5, u), with the uncertainty u of a client's own outputs.
 *
 * @param uncertainty a scalar
 * @example
 * ```ts
 * import { adaptiveMargin } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * [0.2, 0.9].map((u) => evaluate(adaptiveMargin(constant(u), 2)).data[0]); // => [0.4, 1]
 * ```
 */
export function adaptiveMargin(uncertainty: Tensor, scale: number): Tensor {
  return mul(scale, minimum(0.5, uncertainty));
}

/**
 * Terms of FedoSSL's loss, to be weighted and added: of labelled rows the cross-entropy with margin; of all rows
 * -log <p_i, p'_partner>, and the negated entropy of the mean output, which is minimised.
 *
 * J. Zhang, X. Ma, S. Guo, W. Xu, "Towards Unbiased Training in Federated Open-world Semi-supervised Learning", ICML 2023,
 * arXiv:2305.00771.
 *
 * @param margin a scalar
 * @example
 * ```ts
 * import { openWorldTerms } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const view = constant([0, 0, 0, 0], [2, 2]);
 * const labels = constant([0, 2], [2], "int32");
 * const partners = constant([1, 0], [2], "int32");
 * const batch = { views: [view, view], labels, partners, counts: constant([1, 1], [2]) } as const;
 * const { supervised, pairwise } = openWorldTerms(batch, constant(0));
 * [supervised, pairwise].map((term) => evaluate(term).data[0]); // => [0.6931, 0.6931]
 * ```
 */
export function openWorldTerms(
  { views: [a, b], labels, partners, counts }: OpenWorldBatch,
  margin: Tensor,
): Readonly<Record<"supervised" | "pairwise" | "entropy", Tensor>> {
  const classes = a.shape[1] as number;
  const known = knownRows(labels, classes, counts);
  const truth = where(less(labels, constant(classes, [], "int32")), labels, constant(0, [], "int32"));
  const [p, q] = [softmax(a), softmax(b)];
  const together = sum(mul(p, gather(q, partners, 0)), [1]);
  const middle = div(sum(mul(p, expandDims(counts, 1)), [0]), maximum(sum(counts), 1));
  return {
    supervised: meanOver(softmaxCrossEntropy(add(a, mul(margin, oneHot(truth, classes))), truth), known),
    pairwise: neg(meanOver(log(maximum(together, SMALLEST)), counts)),
    entropy: sum(mul(middle, log(maximum(middle, SMALLEST)))),
  };
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
  const cosines = matmul(unitRows(features), unitRows(centroids), { transposeB: true });
  return softmax(div(cosines, temperature));
}

/**
 * -mean sum pi_i log pi_partner
 *
 * @param partners int32 [B]
 * @param other posteriors of the view that partners are of; default: the same
 * @param counts 1 for rows that count and 0 for padding, [B]; default: all count
 * @example
 * ```ts
 * import { calibrationLoss } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const partners = constant([1, 0], [2], "int32");
 * evaluate(calibrationLoss(constant([0.5, 0.5, 0.5, 0.5], [2, 2]), partners)).data; // => [0.6931]
 * ```
 */
export function calibrationLoss(
  posterior: Tensor,
  partners: Tensor,
  { other = posterior, counts }: { readonly other?: Tensor; readonly counts?: Tensor } = {},
): Tensor {
  const terms = sum(mul(posterior, log(maximum(gather(other, partners, 0), SMALLEST))), [1]);
  return neg(counts === undefined ? mean(terms) : meanOver(terms, counts));
}

/**
 * Cross-entropy of rows whose posterior is above a bound, with its most likely class as their label, which is a constant.
 *
 * @param rows 1 for rows that may count, [B]: those that are not labelled
 * @param posterior [B, C], in the order of the classes
 * @example
 * ```ts
 * import { pseudoLabelLoss } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const logits = constant([0, 0, 0, 0], [2, 2]);
 * const posterior = constant([0.9, 0.1, 0.5, 0.5], [2, 2]);
 * evaluate(pseudoLabelLoss(logits, constant([1, 1], [2]), posterior, 0.8)).data; // => [0.6931]
 * ```
 */
export function pseudoLabelLoss(logits: Tensor, rows: Tensor, posterior: Tensor, confidence: number): Tensor {
  const isSure = asFloat(greater(max(posterior, [1]), confidence));
  return meanOver(softmaxCrossEntropy(logits, argmax(posterior, 1)), mul(rows, isSure));
}

/**
 * Weights of the classes in the suppressed term, beta^(1 - N_k / N_max): 1 for the commonest class.
 *
 * @param counts N_k, examples by class as pseudo-labels say, [C]
 * @example
 * ```ts
 * import { classWeights } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * evaluate(classWeights(constant([10, 5], [2]), 0.25)).data; // => [1, 0.5]
 * ```
 */
export function classWeights(counts: Tensor, beta: number): Tensor {
  const most = max(counts);
  const rarity = where(greater(most, 0), sub(1, div(counts, maximum(most, 1))), mul(counts, 0));
  return exp(mul(Math.log(beta), rarity));
}

/**
 * The uncertainty-aware suppressed term: mean over rows of w_k (1 - p_k) / C, with k the row's most likely class, which is a
 * constant.
 *
 * @param rows 1 for rows that count, [B]: those that are not labelled
 * @param weights of the classes, [C]
 * @example
 * ```ts
 * import { suppressedLoss } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const logits = constant([0, 0, 0, 0], [2, 2]);
 * evaluate(suppressedLoss(logits, constant([0, 1], [2]), constant([1, 1], [2]))).data; // => [0.25]
 * ```
 */
export function suppressedLoss(logits: Tensor, rows: Tensor, weights: Tensor): Tensor {
  const classes = logits.shape[1] as number;
  const p = softmax(logits);
  const likely = argmax(p, 1);
  return meanOver(mul(gather(weights, likely, 0), div(sub(1, gatherLast(p, likely)), classes)), rows);
}
