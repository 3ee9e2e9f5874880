import { type RandomKey, randomStream } from "../random/index.ts";
import { augmentedFeature, type ClassStatistics, geometryOf } from "./class-statistics.ts";

/** A linear head: weight [features, classes], row-major, and bias [classes]. */
export interface ColumnHead {
  readonly weight: ArrayLike<number>;
  readonly bias: ArrayLike<number>;
}

export interface CalibrationSettings {
  /** Virtual features of each class. */
  readonly samples: number;
  /** Steps of gradient descent on all of them. */
  readonly steps: number;
  readonly learningRate: number;
}

interface VirtualFeature {
  readonly feature: Float64Array;
  /** Place of its class among those with statistics. */
  readonly place: number;
}

/**
 * A head retrained on as many virtual features of every class, drawn from a normal distribution with the mean and covariance
 * of the class: a classifier that does not favour common classes. Classes without statistics take no part: their columns
 * stay, and the others are not trained against them.
 *
 * M. Luo, F. Chen, D. Hu, Y. Zhang, J. Liang, J. Feng, "No Fear of Heterogeneity: Classifier Calibration for Federated
 * Learning with Non-IID Data", NeurIPS 2021, arXiv:2106.05001.
 *
 * @param statistics of all clients' features by class
 * @example
 * ```ts
 * import { calibratedHead, rootKey, statisticsOf } from "@anabranch/core";
 * const statistics = [statisticsOf([[1]]), statisticsOf([[-1]])];
 * const settings = { samples: 1, steps: 1, learningRate: 1 };
 * Array.from(calibratedHead({ weight: [0, 0], bias: [0, 0] }, statistics, settings, rootKey(1)).weight); // => [0.5, -0.5]
 * ```
 */
export function calibratedHead(
  head: ColumnHead,
  statistics: readonly (ClassStatistics | undefined)[],
  { samples, steps, learningRate }: CalibrationSettings,
  key: RandomKey,
): { readonly weight: Float64Array; readonly bias: Float64Array } {
  const [weight, bias] = [Float64Array.from(head.weight), Float64Array.from(head.bias)];
  const known = statistics.flatMap((one, label) => (one === undefined ? [] : [{ one, label }]));
  const labels = known.map(({ label }) => label);
  const virtual = virtualFeatures(
    known.map(({ one }) => one),
    samples,
    key,
  );
  for (let step = 0; step < steps; step++) descend(weight, bias, labels, virtual, learningRate / virtual.length);
  return { weight, bias };
}

/** One step on the sum of the cross-entropies of all features over the classes with these labels. */
function descend(
  weight: Float64Array,
  bias: Float64Array,
  labels: readonly number[],
  virtual: readonly VirtualFeature[],
  rate: number,
): void {
  const classes = bias.length;
  const [before, offsets] = [weight.slice(), bias.slice()];
  for (const { feature, place } of virtual) {
    const logits = labels.map((label) => {
      let logit = offsets[label]!;
      for (let i = 0; i < feature.length; i++) logit += feature[i]! * before[i * classes + label]!;
      return logit;
    });
    const most = Math.max(...logits);
    const powers = logits.map((logit) => Math.exp(logit - most));
    const total = powers.reduce((a, b) => a + b, 0);
    for (const [k, label] of labels.entries()) {
      const slope = rate * (powers[k]! / total - (k === place ? 1 : 0));
      bias[label]! -= slope;
      for (let i = 0; i < feature.length; i++) weight[i * classes + label]! -= slope * feature[i]!;
    }
  }
}

function virtualFeatures(known: readonly ClassStatistics[], samples: number, key: RandomKey): VirtualFeature[] {
  const stream = randomStream(key);
  return known.flatMap((statistics, place) => {
    const geometry = geometryOf(statistics);
    return Array.from({ length: samples }, () => {
      const draws = geometry.variances.map(() => stream.normal());
      return { feature: augmentedFeature(statistics.mean, geometry, draws), place };
    });
  });
}
