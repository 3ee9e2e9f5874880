import { AnabranchError } from "@anabranch/engine";
import { type HeaderWeights, headerLogits, probabilities } from "./header-outputs.ts";

export type { HeaderWeights } from "./header-outputs.ts";

/** What a FedGH client tells of a class that it has: the mean [q] of the features of its `count` examples. */
export interface ClassPrototype {
  readonly label: number;
  readonly count: number;
  readonly mean: readonly number[];
}

/**
 * FedGH's upload of a client: the mean feature of each class that it has, classes in rising order. A mean is over all
 * examples of the class, so uneven batches weigh as they should; the released code takes a mean of batch means.
 *
 * @param features [n][q], by the trained extractor of the client
 * @param labels [n]
 * @param minimumCount a class with fewer examples is left out: the mean of a single example is that example's feature
 * @example
 * ```ts
 * import { classPrototypes } from "@anabranch/core";
 * classPrototypes([[1, 0], [3, 4], [9, 9]], [1, 1, 0], 2); // => [{ label: 1, count: 2, mean: [2, 2] }]
 * ```
 */
export function classPrototypes(
  features: readonly (readonly number[])[],
  labels: readonly number[],
  minimumCount = 1,
): ClassPrototype[] {
  const classes = [...new Set(labels)].sort((a, b) => a - b);
  return classes.flatMap((label) => {
    const rows = features.filter((_, i) => labels[i] === label);
    if (rows.length < minimumCount) return [];
    const mean = rows[0]!.map((_, j) => rows.reduce((sum, row) => sum + row[j]!, 0) / rows.length);
    return [{ label, count: rows.length, mean }];
  });
}

export interface HeaderSettings {
  /** 0: a fixed random head, as the released code has it by accident. */
  readonly learningRate: number;
  /** Bound of the gradient's norm over weight and bias together. Absent: none. */
  readonly clip?: number;
  /** Times that the server goes through all prototypes. Default 1. */
  readonly passes?: number;
}

/**
 * FedGH's server: plain gradient steps of the head's own, one for each prototype, clients in the order of the cohort and
 * then classes. The loss is the cross-entropy of the prototype under the head; counts do not weigh.
 *
 * L. Yi, G. Wang, X. Liu, Z. Shi, H. Yu, "FedGH: Heterogeneous Federated Learning with Generalized Global Header", ACM
 * MM 2023, arXiv:2303.13137, algorithm 1. As in the paper and unlike the released code, whose optimizer holds a client's
 * network, so that its head never changes.
 *
 * @param head stays as it is
 * @param classes C
 * @param prototypes of each client; extractors may differ, their width q may not
 * @throws AnabranchError `method/prototype` for another width, or a label that the head has no row for
 * @example
 * ```ts
 * import { trainedHeader } from "@anabranch/core";
 * const head = { weight: Float64Array.of(0, 0) }; // two classes, one feature
 * const { weight } = trainedHeader(head, 2, [[{ label: 1, count: 5, mean: [2] }]], { learningRate: 0.1 });
 * weight; // => [-0.1, 0.1]
 * ```
 */
export function trainedHeader(
  head: HeaderWeights,
  classes: number,
  prototypes: readonly (readonly ClassPrototype[])[],
  settings: HeaderSettings,
): HeaderWeights {
  const trained = { weight: head.weight.slice(), ...(head.bias && { bias: head.bias.slice() }) };
  const q = head.weight.length / classes;
  for (let pass = 0; pass < (settings.passes ?? 1); pass++) {
    for (const { label, mean } of prototypes.flat()) {
      requireFits(classes, q, label, mean.length);
      takeHeaderStep(trained, label, mean, settings);
    }
  }
  return trained;
}

/** One step on the cross-entropy of a prototype r: its gradient is (p - e_label) r^T, and p - e_label by the bias. */
function takeHeaderStep(
  { weight, bias }: HeaderWeights,
  label: number,
  mean: readonly number[],
  { learningRate, clip = Number.POSITIVE_INFINITY }: HeaderSettings,
): void {
  const q = mean.length;
  const slopes = probabilities(headerLogits({ weight, ...(bias && { bias }) }, mean));
  slopes[label]! -= 1;
  const square = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value * value, 0);
  const norm = Math.sqrt(square(slopes) * (square(mean) + (bias === undefined ? 0 : 1)));
  const rate = learningRate * (norm > clip ? clip / norm : 1);
  for (const [c, slope] of slopes.entries()) {
    for (const [j, value] of mean.entries()) weight[c * q + j]! -= rate * slope * value;
    if (bias !== undefined) bias[c]! -= rate * slope;
  }
}

function requireFits(classes: number, features: number, label: number, width: number): void {
  if (width === features && label < classes) return;
  throw new AnabranchError({
    code: "method/prototype",
    message: "a prototype does not fit the head",
    received: `label ${label}, width ${width}`,
    expected: `a label below ${classes} and a width of ${features}`,
    advice: "All clients share the width before the head, and the list of classes.",
  });
}
