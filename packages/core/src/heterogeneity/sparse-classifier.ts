import { constant, evaluate, qr } from "@anabranch/engine";
import { deriveKey, permutation, type RandomKey, randomStream } from "../random/index.ts";
import type { ClassifierFit } from "./fitted-entries.ts";
import { simplexFrame, staticClassifier } from "./static-classifier.ts";

/** What is drawn of FedLoGe's classifier, and how it is fitted. */
export interface SparseClassifierOptions extends ClassifierFit {
  /** Share of all entries that are 0, in [0, 1]. */
  readonly sparsity: number;
}

/**
 * FedLoGe's classifier from a key: the frame on an orthonormal basis of uniform random numbers, of which a random part of
 * the entries stays, and those are fitted. [q, C], row-major; q is at least C.
 *
 * @example
 * ```ts
 * import { rootKey, sparseClassifier } from "@anabranch/core";
 * const fit = { sparsity: 0, radius: 1, steps: 0, learningRate: 0 };
 * const [a, b, c, d] = sparseClassifier(2, 2, fit, rootKey(1));
 * a! * b! + c! * d!; // => -1
 * ```
 */
export function sparseClassifier(
  features: number,
  classes: number,
  { sparsity, ...fit }: SparseClassifierOptions,
  key: RandomKey,
): Float64Array {
  const size = features * classes;
  const uniform = randomStream(deriveKey(key, "basis"));
  const basis = qr(
    Float64Array.from({ length: size }, () => uniform.float()),
    features,
    classes,
  ).q;
  const support = new Array<number>(size).fill(1);
  const order = permutation(randomStream(deriveKey(key, "support")), size);
  for (const at of order.subarray(0, Math.round(sparsity * size))) support[at] = 0;
  const shape = [features, classes];
  const frame = simplexFrame(constant(Array.from(basis), shape));
  return Float64Array.from(evaluate(staticClassifier(frame, constant(support, shape), fit)).data);
}
