import type { OnnxAttributes } from "../onnx/attributes.ts";
import type { Dim, DType, HostTensor, Shape, TensorType } from "./types.ts";

/**
 * What a traced graph is made of. A value knows its node, a node its operator and its bodies, a body is a graph, and an
 * operator lowers and evaluates nodes: the types name each other, so they stay in one file.
 */

/** A traced value: output number `output` of a node in a graph without cycles. Immutable, owned by nobody. */
export interface Tensor extends TensorType {
  readonly node: Node;
  readonly output: number;
}

export type AttributeValue = number | string | boolean | readonly Dim[] | Float64Array | Int32Array | Uint8Array;
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** One application of an operator. */
export interface Node {
  readonly operator: Operator;
  readonly inputs: readonly Tensor[];
  readonly attributes: Attributes;
  readonly outputs: readonly TensorType[];
  /** Bodies of `scan` and `cond`. */
  readonly bodies: readonly Graph[];
  /** Order of creation; tells what a branch of `cond` created from what it captured. */
  readonly sequence: number;
}

export interface NamedTensor {
  readonly name: string;
  readonly tensor: Tensor;
}

/** A traced function: its placeholder inputs and its outputs. Nodes are those reachable from the outputs. */
export interface Graph {
  readonly inputs: readonly NamedTensor[];
  readonly outputs: readonly NamedTensor[];
}

/**
 * One whole operator: its shape rule, its gradient rule written in traced operators (so gradients of gradients work),
 * its ONNX form and its plain evaluation in float64, which is the oracle of the other three.
 */
export interface Operator {
  readonly name: string;
  /** Output types; throws `engine/shape` on inputs that do not fit. */
  infer(inputs: readonly Tensor[], attributes: Attributes, bodies: readonly Graph[]): readonly TensorType[];
  /** Cotangents of the inputs from cotangents of the outputs (undefined: none arrived / none flows). Absent: piecewise constant. */
  gradient?(node: Node, cotangents: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[];
  /** Emits ONNX nodes; returns one value name for each output. */
  lower(lowering: Lowering, node: Node, inputs: readonly string[]): readonly string[];
  evaluate(inputs: readonly HostTensor[], node: Node, evaluation: Evaluation): readonly HostTensor[];
}

/** What an operator may do while it is lowered: emit nodes and constants into the current ONNX graph. */
export interface Lowering {
  /** Emits a node with one output. A domain other than "" is written `domain:OpType`, e.g. `com.microsoft:FusedMatMul`. */
  emit(type: string, inputs: readonly string[], attributes?: OnnxAttributes): string;
  /** Emits a node with several outputs. */
  emitAll(type: string, inputs: readonly string[], attributes: OnnxAttributes, outputs: number): string[];
  /** An initializer; equal ones are written once. */
  constant(dtype: DType | "int64", shape: readonly number[], data: ArrayLike<number>): string;
  /** A float scalar initializer. */
  scalar(value: number): string;
  /** An int64 vector initializer (shapes, axes, pads). */
  int64(values: readonly number[]): string;
  /** Encodes a body (scan, cond) whose placeholders from `inputs` become graph inputs and whose captured placeholders are bound to names of this graph. */
  body(graph: Graph, captured: ReadonlyMap<string, string>): Uint8Array;
}

/** What an operator may request from the interpreter while it evaluates. */
export interface Evaluation {
  /** Concrete extents of a shape under the symbols bound in this run. */
  resolve(shape: Shape): readonly number[];
  /** Runs a body (scan, cond) on positional inputs. */
  run(body: Graph, inputs: readonly HostTensor[]): readonly HostTensor[];
}
