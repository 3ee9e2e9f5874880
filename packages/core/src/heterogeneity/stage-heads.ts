import { type HeaderWeights, headerLogits, probabilities } from "./header-outputs.ts";

/** What a client tells of a class at one stage of its model. */
export interface StageClass {
  readonly label: number;
  /** z: mean output of the stage over its examples of the class, [q]. */
  readonly features: readonly number[];
  /** p: mean of its soft labels of them, [C]. */
  readonly soft: readonly number[];
}

export interface StageHeadSettings {
  /** T of soft labels. */
  readonly temperature: number;
  /** lambda_g: how much the clients' soft labels count beside the labels. */
  readonly weight: number;
  readonly learningRate: number;
  /** Steps on all classes of all clients. Default 1. */
  readonly steps?: number;
}

/**
 * FedD2S's server: full-batch steps of the head of one stage on the mean of CE + lambda_g KL(p || softmax(head(z) / T))
 * over the classes of all clients. `loss` is that before the last step; without classes the head stays and it is 0.
 *
 * S. M. Atapour et al., "FedD2S: Personalized Data-Free Federated Knowledge Distillation", 2024, arXiv:2402.10846. A
 * reconstruction from the abstract.
 *
 * @param head [C, q]; stays as it is
 * @example
 * ```ts
 * import { trainedStageHead } from "@anabranch/core";
 * const classes = [{ label: 1, features: [2], soft: [0.5, 0.5] }];
 * const settings = { temperature: 1, weight: 0, learningRate: 0.1 };
 * const { head, loss } = trainedStageHead({ weight: Float64Array.of(0, 0) }, classes, settings);
 * head.weight; // => [-0.1, 0.1]
 * loss; // => 0.6931
 * ```
 */
export function trainedStageHead(
  head: HeaderWeights,
  classes: readonly StageClass[],
  { steps = 1, ...settings }: StageHeadSettings,
): { readonly head: HeaderWeights; readonly loss: number } {
  let [trained, loss] = [head, 0];
  for (let step = 0; step < steps && classes.length > 0; step++) {
    const found = slopes(trained, classes, settings);
    trained = moved(trained, classes, found, settings.learningRate);
    loss = found.reduce((sum, one) => sum + one.loss, 0) / classes.length;
  }
  return { head: trained, loss };
}

/**
 * What the head of a stage says of a class: softmax(head(z) / T), [C].
 *
 * @example
 * ```ts
 * import { stageSoftLabels } from "@anabranch/core";
 * stageSoftLabels({ weight: Float64Array.of(0, 3) }, [2], 2); // => [0.0474, 0.9526]
 * ```
 */
export function stageSoftLabels(head: HeaderWeights, features: readonly number[], temperature: number): Float64Array {
  return probabilities(headerLogits(head, features), temperature);
}

/** The loss of each class, and its gradient by the logits: softmax(z) - e_y + lambda_g / T (softmax(z / T) - p). */
function slopes(
  head: HeaderWeights,
  classes: readonly StageClass[],
  { temperature, weight }: Pick<StageHeadSettings, "temperature" | "weight">,
): { readonly loss: number; readonly slope: Float64Array }[] {
  return classes.map(({ label, features, soft }) => {
    const logits = headerLogits(head, features);
    const [sharp, smooth] = [probabilities(logits), probabilities(logits, temperature)];
    const divergence = soft.reduce((sum, p, c) => sum + (p > 0 ? p * Math.log(p / smooth[c]!) : 0), 0);
    const slope = sharp.map((q, c) => {
      return q - (c === label ? 1 : 0) + (weight / temperature) * (smooth[c]! - soft[c]!);
    });
    return { loss: -Math.log(sharp[label]!) + weight * divergence, slope };
  });
}

function moved(
  { weight, bias }: HeaderWeights,
  classes: readonly StageClass[],
  found: readonly { readonly slope: Float64Array }[],
  learningRate: number,
): HeaderWeights {
  const next = { weight: weight.slice(), ...(bias && { bias: bias.slice() }) };
  const rate = learningRate / classes.length;
  for (const [k, { features }] of classes.entries()) {
    const q = features.length;
    for (const [c, slope] of found[k]!.slope.entries()) {
      for (const [j, value] of features.entries()) next.weight[c * q + j]! -= rate * slope * value;
      if (next.bias !== undefined) next.bias[c]! -= rate * slope;
    }
  }
  return next;
}
