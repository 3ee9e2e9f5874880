import type { Graph } from "../graph/graph.ts";
import type { DType, Shape } from "../graph/types.ts";
import { hashBytes } from "../hash.ts";
import { optimize } from "../rewrite/optimize.ts";
import { specialize } from "../rewrite/specialize.ts";
import { encodeModel } from "./encode.ts";
import { type SerializedGraph, serializeGraph } from "./serialize.ts";

export interface Port {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

/**
 * A compiled traced function as plain data: it can be posted to a worker, which needs no function and no algorithm to
 * run it. `onnx` is what the ONNX Runtime executors load, `graph` what the interpreter walks.
 */
export interface Program {
  readonly name: string;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly graph: SerializedGraph;
  readonly onnx: Uint8Array;
  /** Hash of `onnx`: equal programs compute equal bits on equal executors. */
  readonly hash: string;
}

/**
 * Optimizes and lowers a traced graph; `graph` stays as traced, `onnx` is specialized for speed.
 *
 * @example
 * ```ts
 * import { compileProgram, mul, trace } from "@anabranch/engine";
 * const graph = trace(({ x }) => ({ y: mul(x, 2) }), { x: { dtype: "float", shape: ["N"] } });
 * const program = compileProgram("double", graph);
 * program.inputs; // => [{ name: "x", dtype: "float", shape: ["N"] }]
 * program.hash === compileProgram("double", graph).hash; // => true
 * ```
 */
export function compileProgram(name: string, traced: Graph): Program {
  const graph = optimize(traced);
  const port = (x: Graph["inputs"][number]): Port => ({ name: x.name, dtype: x.tensor.dtype, shape: x.tensor.shape });
  const onnx = encodeModel(specialize(graph), name);
  return {
    name,
    inputs: graph.inputs.map(port),
    outputs: graph.outputs.map(port),
    graph: serializeGraph(graph),
    onnx,
    hash: hashBytes(onnx),
  };
}
