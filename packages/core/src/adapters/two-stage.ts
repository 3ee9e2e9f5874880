/**
 * pFedLoRA: clients train models of their own and share a low-rank adapter on the features, two thin linear layers. A round
 * trains the model with the adapter fixed, then the adapter with the model fixed; the adapter alone is sent.
 *
 * Citation: L. Yi et al., "pFedLoRA: Model-Heterogeneous Personalized Federated Learning with LoRA Tuning", 2023,
 * arXiv:2310.13283, Algorithm 1.
 */
import {
  add,
  mapTensors,
  matmul,
  mean,
  mul,
  relu,
  softmaxCrossEntropy,
  sub,
  type Tensor,
  type TensorTree,
  tensorLeaves,
  valueAndGrad,
} from "@anabranch/engine";

/** A client's own model: h = relu(W1 x + b1), logits W2 h + b2; weights are [outputs, inputs]. */
export interface OwnModel extends Readonly<Record<string, Tensor>> {
  readonly W1: Tensor;
  readonly b1: Tensor;
  readonly W2: Tensor;
  readonly b2: Tensor;
}

/** The shared adapter: logits Q P h with P [r, h], Q [classes, r]. */
export interface SharedAdapter extends Readonly<Record<string, Tensor>> {
  readonly P: Tensor;
  readonly Q: Tensor;
}

/** Two logits from the same features: those of the own head and those of the adapter, [N, classes] each. */
export interface TwoLogits {
  readonly own: Tensor;
  readonly shared: Tensor;
}

/**
 * (1 - mu) CE(own) + mu CE(shared), means over the batch.
 *
 * @example
 * ```ts
 * import { twoHeadLoss } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const [own, shared] = [constant([0, 0], [1, 2]), constant([100, 0], [1, 2])];
 * evaluate(twoHeadLoss({ own, shared }, constant([0], [1], "int32"), 0.5)).data; // => [0.3466]
 * ```
 */
export function twoHeadLoss({ own, shared }: TwoLogits, labels: Tensor, mu: number): Tensor {
  const loss = (logits: Tensor) => mean(softmaxCrossEntropy(logits, labels));
  return add(mul(1 - mu, loss(own)), mul(mu, loss(shared)));
}

/**
 * Both logits of examples x [N, inputs].
 *
 * @example
 * ```ts
 * import { twoLogits } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const one = (value: number) => constant([value], [1, 1]);
 * const own = { W1: one(2), b1: constant([1], [1]), W2: one(3), b2: constant([0], [1]) };
 * const logits = twoLogits(own, { P: one(1), Q: one(5) }, one(1));
 * evaluate(logits.own).data; // => [9]
 * evaluate(logits.shared).data; // => [15]
 * ```
 */
export function twoLogits({ W1, b1, W2, b2 }: OwnModel, { P, Q }: SharedAdapter, x: Tensor): TwoLogits {
  const times = (input: Tensor, weight: Tensor) => matmul(input, weight, { transposeB: true });
  const features = relu(add(times(x, W1), b1));
  return { own: add(times(features, W2), b2), shared: times(times(features, P), Q) };
}

/** Both parts of a client after a stage, and the loss before each step. */
export interface TwoStageResult<W extends TensorTree, T extends TensorTree> {
  readonly own: W;
  readonly shared: T;
  readonly losses: readonly Tensor[];
}

/**
 * `steps` steps of descent on the own part with the shared one fixed, then as many on the shared part with the own one
 * fixed, all on the same loss.
 *
 * @example
 * ```ts
 * import { trainInTwoStages } from "@anabranch/core";
 * import { constant, evaluate, square, sub } from "@anabranch/engine";
 * const start = { own: { w: constant(0) }, shared: { w: constant(0) } };
 * const loss = (own: typeof start.own, shared: typeof start.shared) => square(sub(sub(own.w, shared.w), 2));
 * const { own, shared } = trainInTwoStages(start, loss, { steps: 1, learningRate: 0.25 });
 * [own.w, shared.w].map((value) => evaluate(value).data[0]); // => [1, -0.5]
 * ```
 */
export function trainInTwoStages<W extends TensorTree, T extends TensorTree>(
  start: { readonly own: W; readonly shared: T },
  loss: (own: W, shared: T) => Tensor,
  { steps, learningRate }: { readonly steps: number; readonly learningRate: number },
): TwoStageResult<W, T> {
  const losses: Tensor[] = [];
  const descend = <P extends TensorTree>(from: P, at: (part: P) => Tensor): P => {
    let part = from;
    for (let step = 0; step < steps; step++) {
      const { value, gradients } = valueAndGrad(at, part);
      losses.push(value);
      part = stepAlong(part, gradients, learningRate);
    }
    return part;
  };
  const own = descend(start.own, (part) => loss(part, start.shared));
  const shared = descend(start.shared, (part) => loss(own, part));
  return { own, shared, losses };
}

function stepAlong<P extends TensorTree>(part: P, gradients: P, learningRate: number): P {
  const by = new Map(tensorLeaves(gradients).map(({ path, leaf }) => [path, leaf]));
  return mapTensors(part, (leaf, path) => sub(leaf, mul(learningRate, by.get(path)!)));
}
