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

/** A value outside the graph: row-major data with a concrete shape. Bool is one byte per element, 0 or 1. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: HostData;
}
export type HostData = Float32Array | Float64Array | Int32Array | Uint8Array;

export function isTensorType(value: object): value is TensorType {
  return "dtype" in value && "shape" in value;
}
