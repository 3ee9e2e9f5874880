import { AnabranchError } from "../errors.ts";
import { type Graph, getValue, graphNodes, type NamedTensor, setValue, type ValueMap } from "../graph/graph.ts";
import { staticShape } from "../graph/shape.ts";
import type { DType, Shape, Tensor } from "../graph/tensor.ts";
import { hashBytes } from "../hash.ts";
import { type Lowering, type OnnxAttribute, type OnnxAttributes, onnxTypes } from "./lowering.ts";
import { MessageWriter } from "./protobuf.ts";

const OPSET = 20;
const IR_VERSION = 9;

/** What stands before the names of inputs and outputs. */
export interface NamePrefixes {
  /** Default "in/". */
  readonly inputPrefix?: string;
  /** Default "out/". */
  readonly outputPrefix?: string;
}

/**
 * Encodes a graph as an ONNX model (float32) of plain inference operators. Inputs are named `in/NAME`, outputs
 * `out/NAME`, unless other prefixes are given. `metadata` is written sorted by key (`metadata_props`).
 */
export function encodeModel(
  graph: Graph,
  name = "anabranch",
  prefixes: NamePrefixes = {},
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const encoder = new GraphEncoder({ next: 0 }, prefixes);
  const body = encoder.encode(graph, name, new Map());
  const opset = (domain: string, version: number) => new MessageWriter().text(1, domain).varint(2, version);
  const model = new MessageWriter()
    .varint(1, IR_VERSION)
    .text(2, "anabranch")
    .bytes(7, body)
    .message(8, opset("", OPSET))
    .message(8, opset("com.microsoft", 1));
  for (const key of Object.keys(metadata).sort()) {
    model.message(14, new MessageWriter().text(1, key).text(2, metadata[key]!));
  }
  return model.finish();
}

/** Lowers one graph (the model's or a body's) to a GraphProto. Names are unique over the whole model. */
class GraphEncoder implements Lowering {
  readonly #counter: { next: number };
  readonly #names: ValueMap<string> = new Map();
  readonly #initializers = new Map<string, string>();
  #nodes: MessageWriter[] = [];
  #constants: MessageWriter[] = [];
  readonly #prefixes: NamePrefixes;

  constructor(counter: { next: number }, prefixes: NamePrefixes = {}) {
    this.#counter = counter;
    this.#prefixes = prefixes;
  }

  encode(graph: Graph, name: string, captured: ReadonlyMap<string, string>): Uint8Array {
    const isModel = name !== "";
    const own: { name: string; input: NamedTensor }[] = [];
    for (const input of graph.inputs) {
      const outer = captured.get(input.name);
      const value = outer ?? (isModel ? `${this.#prefixes.inputPrefix ?? "in/"}${input.name}` : this.#fresh("in"));
      setValue(this.#names, input.tensor, value);
      if (outer === undefined) own.push({ name: value, input });
    }
    for (const node of graphNodes(graph)) {
      if (node.operator.name === "input") continue;
      const inputs = node.inputs.map((t) => this.#name(t));
      const outputs = node.operator.lower(this, node, inputs);
      node.outputs.forEach((type, output) => {
        setValue(this.#names, { node, output, ...type }, outputs[output]!);
      });
    }
    const outputs = graph.outputs.map((o) => {
      // an output needs a name of its own: a placeholder or a value listed twice would clash
      const value = isModel ? `${this.#prefixes.outputPrefix ?? "out/"}${o.name}` : this.#fresh("out");
      this.#nodes.push(nodeProto("Identity", [this.#name(o.tensor)], [value], {}));
      return { name: value, output: o };
    });
    const writer = new MessageWriter();
    for (const node of this.#nodes) writer.message(1, node);
    writer.text(2, name || "body");
    for (const constant of this.#constants) writer.message(5, constant);
    for (const o of own) writer.message(11, valueInfo(o.name, o.input.tensor.dtype, o.input.tensor.shape));
    for (const o of outputs) writer.message(12, valueInfo(o.name, o.output.tensor.dtype, o.output.tensor.shape));
    return writer.finish();
  }

  emit(type: string, inputs: readonly string[], attributes: OnnxAttributes = {}): string {
    return this.emitAll(type, inputs, attributes, 1)[0]!;
  }

  emitAll(type: string, inputs: readonly string[], attributes: OnnxAttributes, outputs: number): string[] {
    const names = Array.from({ length: outputs }, () => this.#fresh("v"));
    this.#nodes.push(nodeProto(type, inputs, names, attributes));
    return names;
  }

  constant(dtype: DType | "int64", shape: readonly number[], data: ArrayLike<number>): string {
    const raw = rawData(dtype, data);
    const key = `${dtype}|${shape.join(",")}|${raw.length <= 64 ? raw.join(",") : `#${hashBytes(raw)}`}`;
    const known = this.#initializers.get(key);
    if (known !== undefined) return known;
    const name = this.#fresh("c");
    const tensor = new MessageWriter();
    if (shape.length > 0) tensor.packedVarints(1, staticShape(shape, "constant"));
    tensor.varint(2, onnxTypes[dtype]).text(8, name).bytes(9, raw);
    this.#constants.push(tensor);
    this.#initializers.set(key, name);
    return name;
  }

  scalar(value: number): string {
    return this.constant("float", [], [value]);
  }

  int64(values: readonly number[]): string {
    return this.constant("int64", [values.length], values);
  }

  body(graph: Graph, captured: ReadonlyMap<string, string>): Uint8Array {
    return new GraphEncoder(this.#counter).encode(graph, "", captured);
  }

  #name(tensor: Tensor): string {
    const name = getValue(this.#names, tensor);
    if (name !== undefined) return name;
    throw new AnabranchError({
      code: "engine/unbound",
      message: "a value is used that is no input of this graph",
      received: `${tensor.node.operator.name} ${JSON.stringify(tensor.node.attributes.name ?? "")}`,
      expected: "only values derived from the traced function's own inputs",
      advice: "Pass outer values as inputs of trace, or through scan's captures.",
    });
  }

  #fresh(prefix: string): string {
    return `${prefix}${this.#counter.next++}`;
  }
}

function nodeProto(
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

function valueInfo(name: string, dtype: DType, shape: Shape): MessageWriter {
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

function rawData(dtype: DType | "int64", data: ArrayLike<number>): Uint8Array {
  const values = Array.from(data);
  if (dtype === "float") return new Uint8Array(Float32Array.from(values).buffer);
  if (dtype === "int32") return new Uint8Array(Int32Array.from(values).buffer);
  if (dtype === "int64") return new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer);
  return Uint8Array.from(values);
}
