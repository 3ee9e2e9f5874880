import type { Graph } from "./graph.ts";
import type { Operator } from "./operator.ts";

/** Element types. "float" is the executor's element type: float32 on ONNX Runtime, float64 on the interpreter. */
export type DType = "float" | "int32" | "uint8" | "bool";

/** A static extent, or a symbolic one such as "N" or "4*N" that is bound when the program runs. */
export type Dim = number | string;
export type Shape = readonly Dim[];

/** Element type and shape of a value. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

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

/** A value outside the graph: row-major data with a concrete shape. Bool is one byte an element, 0 or 1. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: HostData;
}
export type HostData = Float32Array | Float64Array | Int32Array | Uint8Array;

export function isTensorType(value: object): value is TensorType {
  return "dtype" in value && "shape" in value;
}
