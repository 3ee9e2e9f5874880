import { batchNorm, concat, matmul, nn, oneHot, relu, type Tensor } from "@anabranch/engine";
import { type InitializableSpec, initialParameters } from "../params/initialize.ts";
import { layout } from "../params/layout.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import type { ClassShape } from "./class-message.ts";

type Tensors = Readonly<Record<string, Tensor>>;

/** Labels [n] as int32, with weights [n] of sum 1 by which rows count in the moments of a batch. */
interface Conditions {
  readonly labels: Tensor;
  readonly weights: Tensor;
}

/** The generator of FRAug or its network of a client, which adapts what the generator makes. */
export interface AugmentationNetwork {
  readonly parameters: readonly InitializableSpec[];
  /** [n, inputs] to [n, q]. Batch normalization has the moments of these rows, and no running ones. */
  apply(parameters: Tensors, rows: Tensor, conditions: Conditions): Tensor;
}

/** Numbers that FRAug's generator begins with, for q features. */
export const noiseSize = ({ features }: Pick<ClassShape, "features">): number => Math.max(1, Math.floor(features / 2));

/** G: noise [n, q / 2] and classes to features [n, q], twice linear, batch normalization and relu. */
export function generatorNetwork(shape: ClassShape): AugmentationNetwork {
  const { classes, features } = shape;
  const first = normalisedLayer("generator1", noiseSize(shape) + classes, features);
  const second = normalisedLayer("generator2", features, features);
  return {
    parameters: [...first.parameters, ...second.parameters],
    apply(p, noise, { labels, weights }) {
      return second.apply(p, first.apply(p, withClasses(noise, labels, classes), weights), weights);
    },
  };
}

/** RTNet: features and classes to residuals [n, q], through half as many units. The last layer begins at 0. */
export function transferNetwork({ classes, features }: ClassShape): AugmentationNetwork {
  const units = noiseSize({ features });
  const first = normalisedLayer("transfer1", features + classes, units);
  const last = nn.dense("transfer2", units, features, { initialization: ZEROS });
  return {
    parameters: [...first.parameters, ...last.parameters],
    apply(p, rows, { labels, weights }) {
      return last.apply(p, first.apply(p, withClasses(rows, labels, classes), weights));
    },
  };
}

/** Values at which a network begins, in the layout of its parameters. */
export function networkStart({ parameters }: AugmentationNetwork, seed: number): Float32Array {
  return initialParameters(parameters, deriveKey(rootKey(seed), "fraug"));
}

/** The layout of a network's parameters. */
export const networkLayout = ({ parameters }: AugmentationNetwork) => layout(parameters);

const ZEROS = { weight: () => nn.zeros, bias: () => nn.zeros };

function withClasses(rows: Tensor, labels: Tensor, classes: number): Tensor {
  return concat([rows, oneHot(labels, classes)], 1);
}

/** relu of batch normalization of a linear layer, which needs no bias. */
function normalisedLayer(name: string, inputs: number, outputs: number) {
  const dense = nn.dense(name, inputs, outputs, { bias: false });
  const norm = nn.batchNorm(`${name}.norm`, outputs);
  const [gamma, beta] = norm.parameters as [InitializableSpec, InitializableSpec];
  const [weight] = dense.parameters as [InitializableSpec];
  return {
    parameters: [weight, gamma, beta],
    apply: (p: Tensors, x: Tensor, weights: Tensor) =>
      relu(batchNorm(matmul(x, p[weight.name]!), weights, p[gamma.name]!, p[beta.name]!).y),
  };
}
