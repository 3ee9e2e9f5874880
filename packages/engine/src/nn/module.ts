import type { Tensor } from "../graph/graph.ts";

/**
 * What a parameter is; methods treat matrices, kernels and the rest differently. "statistics" are no weights: they follow
 * what a layer has seen, and have no gradient.
 */
export type ParameterRole = "matrix" | "vector" | "convKernel" | "embedding" | "normalization" | "head" | "statistics";

/** How a parameter starts. The caller draws the numbers: the engine has no generator. */
export type Initializer =
  | { readonly kind: "zeros" }
  | { readonly kind: "ones" }
  /** Uniform in [-limit, limit). */
  | { readonly kind: "uniform"; readonly limit: number }
  /** Gaussian around zero. */
  | { readonly kind: "normal"; readonly deviation: number };

/** A parameter that a module declares; its value comes with every call. */
export interface ParameterSpec {
  /** Hierarchical, unique in a model: "block1.attention.query.weight". */
  readonly name: string;
  readonly shape: readonly number[];
  readonly role: ParameterRole;
  /** The layer it belongs to: its name without the last part. */
  readonly block: string;
  readonly initialize: Initializer;
  /** Equal parts of the last axis that work apart: the heads of an attention map. Absent: one. */
  readonly heads?: number;
}

/** A dropout site. Its bits come packed from the host, drawn anew for every step. */
export interface MaskSpec {
  readonly name: string;
  /** Shape of the masked activation of one example. */
  readonly shape: readonly number[];
  /** Probability that a unit stays. */
  readonly keep: number;
}

export interface ApplyContext {
  /**
   * Packed masks by name, uint8 [batch, ceil(size / 8)]: bit i (of value 2^i) of byte j is element 8 j + i, 1 keeps it.
   * Absent: evaluation, dropout does nothing.
   */
  readonly masks?: Readonly<Record<string, Tensor>>;
  /** Training of layers with running statistics. Absent: evaluation, they use these statistics. */
  readonly batch?: TrainingBatch;
  /** What becomes of the output of a dense layer, by the layer's name; absent: it stays as it is. */
  adapt?(layer: string, output: Tensor): Tensor;
  /** The graph whose nodes the rows are, for layers that look at neighbours. Absent: there is none. */
  readonly graph?: GraphContext;
}

/** A graph with features of its nodes: v nodes, e edges. An edge goes one way; an undirected one is there twice. */
export interface GraphContext {
  /** [v, features] */
  readonly features: Tensor;
  /** int32 [e], the node that an edge comes from. */
  readonly from: Tensor;
  /** int32 [e], the node that it leads to. */
  readonly to: Tensor;
  /** [e] */
  readonly weights: Tensor;
}

/** What layers with running statistics have to know of a batch. */
export interface TrainingBatch {
  /** How much each row counts, [N], of sum 1; 0 for padding. Other rows weigh the same. */
  readonly weights: Tensor;
  /** Statistics that stay as they are: their layers use them in training, too. */
  readonly fixed?: ReadonlySet<string>;
  /** Told what each of the layer's statistics becomes, by name. */
  report(name: string, value: Tensor): void;
}

/** Values of parameters by name, as traced tensors. */
export type Parameters = Readonly<Record<string, Tensor>>;

/** A pure function of parameters and activations, together with the parameters and masks it asks for. */
export interface Module {
  readonly parameters: readonly ParameterSpec[];
  readonly masks: readonly MaskSpec[];
  /** @param parameters values by parameter name; more than the module's own may be present */
  apply(parameters: Parameters, x: Tensor, context?: ApplyContext): Tensor;
}

/**
 * A module without parameters.
 *
 * @example
 * ```ts
 * import { constant, evaluate, mul, nn } from "@anabranch/engine";
 * const double = nn.stateless((x) => mul(x, 2));
 * evaluate(double.apply({}, constant([1], [1]))).data; // => [2]
 * ```
 */
export function stateless(apply: (x: Tensor) => Tensor): Module {
  return { parameters: [], masks: [], apply: (_parameters, x) => apply(x) };
}

/**
 * A parameter of the layer `block`, named `block.name`.
 *
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * nn.parameter("output", "weight", [2, 3], "matrix", nn.zeros).name; // => "output.weight"
 * ```
 */
export function parameter(
  block: string,
  name: string,
  shape: readonly number[],
  role: ParameterRole,
  initialize: Initializer,
): ParameterSpec {
  return { name: `${block}.${name}`, shape, role, block, initialize };
}
