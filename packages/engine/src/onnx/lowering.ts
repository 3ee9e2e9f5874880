import type { Graph } from "../graph/graph.ts";
import type { DType } from "../graph/tensor.ts";

/** Attribute of an ONNX node, tagged by its protobuf kind. */
export type OnnxAttribute =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly string: string }
  | { readonly graph: Uint8Array };
export type OnnxAttributes = Readonly<Record<string, OnnxAttribute>>;

export const int = (value: number): OnnxAttribute => ({ int: value });
export const ints = (value: readonly number[]): OnnxAttribute => ({ ints: value });
export const float = (value: number): OnnxAttribute => ({ float: value });
export const string = (value: string): OnnxAttribute => ({ string: value });

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

/** ONNX TensorProto.DataType of each element type. */
export const onnxTypes: Readonly<Record<DType | "int64", number>> = { float: 1, uint8: 2, int32: 6, int64: 7, bool: 9 };
