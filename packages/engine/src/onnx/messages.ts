import { type OnnxAttribute, type OnnxAttributes, type OnnxType, onnxTypes } from "./attributes.ts";
import { MessageWriter } from "./protobuf.ts";

/** The messages of onnx.proto that a model of plain nodes needs; the numbers are its field numbers. */

/** NodeProto. A domain other than "" stands before the operator: `domain:OpType`. */
export function nodeProto(
  type: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: OnnxAttributes,
): MessageWriter {
  const colon = type.indexOf(":");
  const writer = new MessageWriter();
  for (const i of inputs) writer.text(1, i);
  for (const o of outputs) writer.text(2, o);
  writer.text(4, type.slice(colon + 1));
  for (const [name, value] of Object.entries(attributes)) writer.message(5, attributeProto(name, value));
  if (colon > 0) writer.text(7, type.slice(0, colon));
  return writer;
}

/** AttributeProto. */
function attributeProto(name: string, value: OnnxAttribute): MessageWriter {
  const writer = new MessageWriter().text(1, name);
  if ("int" in value) return writer.varint(3, value.int).varint(20, 2);
  if ("float" in value) return writer.float(2, value.float).varint(20, 1);
  if ("string" in value) return writer.text(4, value.string).varint(20, 3);
  if ("graph" in value) return writer.bytes(6, value.graph).varint(20, 5);
  if ("ints" in value) {
    for (const v of value.ints) writer.varint(8, v);
    return writer.varint(20, 7);
  }
  for (const v of value.floats) writer.float(7, v);
  return writer.varint(20, 6);
}

/** ValueInfoProto of an input or an output; text extents are symbolic. */
export function valueInfo(name: string, dtype: OnnxType, shape: readonly (number | string)[]): MessageWriter {
  const dims = new MessageWriter();
  for (const d of shape) {
    const dim = new MessageWriter();
    if (typeof d === "number") dim.varint(1, d);
    else dim.text(2, d);
    dims.message(1, dim);
  }
  const tensor = new MessageWriter().varint(1, onnxTypes[dtype]).message(2, dims);
  return new MessageWriter().text(1, name).message(2, new MessageWriter().message(1, tensor));
}

/** TensorProto of an initializer whose data are `raw`. */
export function tensorProto(name: string, dtype: OnnxType, shape: readonly number[], raw: Uint8Array): MessageWriter {
  const tensor = new MessageWriter();
  if (shape.length > 0) tensor.packedVarints(1, shape);
  return tensor.varint(2, onnxTypes[dtype]).text(8, name).bytes(9, raw);
}

/** Values as the bytes of a TensorProto's `raw_data`. */
export function rawData(dtype: OnnxType, data: ArrayLike<number>): Uint8Array {
  const values = Array.from(data);
  if (dtype === "float") return new Uint8Array(Float32Array.from(values).buffer);
  if (dtype === "int32") return new Uint8Array(Int32Array.from(values).buffer);
  if (dtype === "int64") return new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer);
  return Uint8Array.from(values);
}
