import {
  argmax,
  cast,
  equal,
  type HostTensor,
  mean,
  mul,
  type nn,
  reshape,
  softmaxCrossEntropy,
  square,
  sub,
  type Tensor,
} from "@anabranch/engine";
import { sampleLabels } from "./sample-labels.ts";

/** Values of a model's parameters by name, as traced tensors. */
export type ModelParameters = Readonly<Record<string, Tensor>>;

/** Type of one example's features or labels; the batch axis comes before `shape`. */
export interface ExampleType<D extends HostTensor["dtype"]> {
  readonly dtype: D;
  readonly shape: readonly number[];
}

/**
 * A trainable model: a pure traced function with the parameters and dropout masks it asks for. It takes raw features
 * (bytes of images, indices of tokens) and prepares them in the graph. The batch size N may stay symbolic.
 */
export interface Model {
  readonly name: string;
  readonly parameters: readonly nn.ParameterSpec[];
  readonly masks: readonly nn.MaskSpec[];
  readonly features: ExampleType<"uint8" | "float" | "int32">;
  /** "float": numbers to predict. */
  readonly labels: ExampleType<"uint8" | "int32" | "float">;
  readonly classes: number;
  /** @returns outputs, e.g. logits [N, classes]; without `context.masks` in evaluation mode */
  forward(parameters: ModelParameters, features: Tensor, context?: nn.ApplyContext): Tensor;
  /** @returns one loss per example, [N] */
  losses(outputs: Tensor, labels: Tensor): Tensor;
  /** @returns one score per example in [0, 1]: correct, or the share of correct tokens, [N]; 0 for numbers */
  scores(outputs: Tensor, labels: Tensor): Tensor;
  /** Present in models of the nodes of a graph: numbers that each node has. An example is then the number of a node. */
  readonly graph?: { readonly features: number };
  /** Present where the last so many features are indices of words, and no numbers. */
  readonly words?: number;
  /** Label of positions that do not count in losses and scores; absent: all count. */
  readonly ignoredLabel?: number | undefined;
  /** The model that this one adds parameters to, whose own stay as they are; absent: there is none. */
  readonly base?: Model;
  /** Present where the model is a row of blocks that all give activations of one shape, so that it can be cut between them. */
  readonly blocks?: ModelBlocks;
  /** Present where low-rank adapters are trained in place of weights. */
  readonly adapters?: ModelAdapters;
  /** Present where adapters follow layers. */
  readonly bottlenecks?: ModelBottlenecks;
  /**
   * Names by which `forward` is also given tensors that the client has received: the vector and the entry of each. Where nothing
   * is received, as in evaluation, they are left out.
   */
  readonly received?: Readonly<Record<string, { readonly vector: string; readonly entry: string }>>;
  /** Labels drawn from the distribution that the outputs describe, by uniform numbers in [0, 1) of the labels' shape. */
  sample?(outputs: Tensor, uniforms: Tensor): Tensor;
  /**
   * Present where a part of the parameters is no smaller model of the same kind: `forward` of some values of each
   * parameter, at these places of it.
   */
  sliced?(places: Readonly<Record<string, readonly number[]>>): Model["forward"];
}

/** The parts of a model, which follow each other. */
export interface ModelBlocks {
  /** Of raw features: what `before` takes. */
  prepare(features: Tensor): Tensor;
  readonly before: nn.Module;
  readonly blocks: readonly nn.Module[];
  /** Gives the outputs. */
  readonly after: nn.Module;
  /** Shape of what one example is before, between and after the blocks. */
  readonly activation: readonly number[];
}

/** A weight of a model and the factors that are trained in its place, by name. */
export interface AdapterPair {
  readonly weight: string;
  readonly a: string;
  readonly b: string;
  /** A square matrix between them, which is trained in their place. */
  readonly core?: string | undefined;
  /** Present where `a` and `b` are pools that weights share: the numbers of the shards that make up the vectors of each, [r l]. */
  readonly shards?: { readonly a: readonly number[]; readonly b: readonly number[] } | undefined;
}

/** What adapters a model has. */
export interface ModelAdapters {
  /** The model without them. */
  readonly base: Model;
  readonly pairs: readonly AdapterPair[];
  /** alpha / rank */
  readonly scale: number;
}

/** A layer with an adapter after it. */
export interface AdaptedLayer {
  readonly layer: string;
  /** Numbers that the layer gives. */
  readonly width: number;
}

/** What bottleneck adapters a model has. */
export interface ModelBottlenecks {
  /** The model without them. */
  readonly base: Model;
  readonly layers: readonly AdaptedLayer[];
  readonly units: number;
}

/**
 * The losses, scores and samples of models whose outputs are logits [N, ..., classes] for labels [N, ...].
 *
 * @example
 * ```ts
 * import { classification } from "@anabranch/core";
 * const { classes } = classification(10);
 * classes; // => 10
 * ```
 */
export function classification(classes: number): Pick<Model, "classes" | "losses" | "scores" | "sample"> {
  const perExample = (x: Tensor) => (x.shape.length === 1 ? x : mean(x, positionAxes(x)));
  return {
    classes,
    losses: (logits, labels) => perExample(softmaxCrossEntropy(logits, cast(labels, "int32"))),
    scores: (logits, labels) => perExample(cast(equal(argmax(logits, -1), cast(labels, "int32")), "float")),
    sample: (logits, uniforms) => sampleLabels(logits, uniforms, classes),
  };
}

/**
 * The losses of models whose outputs are numbers [N, 1] for labels [N] that are numbers: squared errors. No scores: 0.
 *
 * @example
 * ```ts
 * import { regression } from "@anabranch/core";
 * regression().classes; // => 1
 * ```
 */
export function regression(): Pick<Model, "classes" | "losses" | "scores"> {
  return {
    classes: 1,
    losses: (outputs, labels) => square(sub(reshape(outputs, [outputs.shape[0]!]), labels)),
    scores: (_outputs, labels) => mul(labels, 0),
  };
}

/**
 * Whether a model predicts numbers, and no classes.
 *
 * @example
 * ```ts
 * import { isRegression, logistic } from "@anabranch/core";
 * const model = logistic({ input: [4], classes: 2 });
 * isRegression(model); // => false
 * ```
 */
export function isRegression({ labels }: Pick<Model, "labels">): boolean {
  return labels.dtype === "float";
}

/** Classes at most: a table of more cannot be read. */
const MOST_CLASSES = 200;

/**
 * Classes of a model that gives each example one of a few; undefined for others.
 *
 * @example
 * ```ts
 * import { logistic, singleLabelClasses } from "@anabranch/core";
 * singleLabelClasses(logistic({ input: [4], classes: 2 })); // => 2
 * ```
 */
export function singleLabelClasses({ labels, classes }: Pick<Model, "labels" | "classes">): number | undefined {
  return labels.shape.length === 0 && classes >= 2 && classes <= MOST_CLASSES ? classes : undefined;
}

function positionAxes(x: Tensor): number[] {
  return x.shape.slice(1).map((_, i) => i + 1);
}
