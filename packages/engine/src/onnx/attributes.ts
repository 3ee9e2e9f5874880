/** Attribute of an ONNX node, tagged by its protobuf kind. */
export type OnnxAttribute =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly string: string }
  | { readonly graph: Uint8Array };
export type OnnxAttributes = Readonly<Record<string, OnnxAttribute>>;

/** Attributes by kind; floats are written as float32. */
export const int = (value: number): OnnxAttribute => ({ int: value });
export const ints = (value: readonly number[]): OnnxAttribute => ({ ints: value });
export const float = (value: number): OnnxAttribute => ({ float: value });
export const string = (value: string): OnnxAttribute => ({ string: value });

/** ONNX TensorProto.DataType of each element type that the engine writes. */
export const onnxTypes = { float: 1, uint8: 2, int32: 6, int64: 7, bool: 9 } as const;
export type OnnxType = keyof typeof onnxTypes;
