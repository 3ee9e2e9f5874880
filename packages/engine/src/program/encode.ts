import { AnabranchError } from "../errors.ts";
import type { Graph, Lowering, NamedTensor, Tensor } from "../graph/graph.ts";
import { getValue, graphNodes, setValue, type ValueMap } from "../graph/traversal.ts";
import type { DType } from "../graph/types.ts";
import { hashBytes } from "../hash.ts";
import type { OnnxAttributes } from "../onnx/attributes.ts";
import { nodeProto, rawData, tensorProto, valueInfo } from "../onnx/messages.ts";
import { MessageWriter } from "../onnx/protobuf.ts";

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
 *
 * @example
 * ```ts
 * import { encodeModel, mul, trace } from "@anabranch/engine";
 * const graph = trace(({ x }) => ({ y: mul(x, 2) }), { x: { dtype: "float", shape: ["N"] } });
 * encodeModel(graph, "double").length > 50; // => true
 * ```
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
    this.#constants.push(tensorProto(name, dtype, shape, raw));
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
      message: "a value comes from outside this graph",
      received: `${tensor.node.operator.name} ${JSON.stringify(tensor.node.attributes.name ?? "")}`,
      expected: "only values derived from the traced function's own inputs",
      advice: "Pass outer values as inputs of trace, or through scan's captures.",
    });
  }

  #fresh(prefix: string): string {
    return `${prefix}${this.#counter.next++}`;
  }
}
