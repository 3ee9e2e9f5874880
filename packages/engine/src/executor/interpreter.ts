import type { Graph } from "../graph/graph.ts";
import { resolveDim } from "../graph/shape.ts";
import { getValue, graphNodes, setValue, type ValueMap } from "../graph/traversal.ts";
import type { HostTensor, Shape } from "../graph/types.ts";
import type { Program } from "../program/program.ts";
import { deserializeGraph } from "../program/serialize.ts";
import { bindInputs } from "./check-inputs.ts";
import type { Executable, Executor, HostTensors } from "./executor.ts";

/**
 * The reference executor: walks the graph in float64, slow and obvious. It is the oracle of every other executor.
 *
 * @example
 * ```ts
 * import { compileProgram, interpreter, mul, trace } from "@anabranch/engine";
 * const graph = trace(({ x }) => ({ y: mul(x, 2) }), { x: { dtype: "float", shape: [2] } });
 * const executable = await interpreter().load(compileProgram("double", graph));
 * const { y } = await executable.run({ x: { dtype: "float", shape: [2], data: Float64Array.of(1, 2) } });
 * y!.data; // => [2, 4]
 * ```
 */
export function interpreter(): Executor {
  return { name: "interpreter", version: "1", float: "float64", load: async (program) => loadInterpreted(program) };
}

function loadInterpreted(program: Program): Executable {
  const graph = deserializeGraph(program.graph);
  return {
    run: async (inputs: HostTensors) => {
      const symbols = bindInputs(program, inputs);
      const results = evaluateGraph(
        graph,
        graph.inputs.map((i) => inputs[i.name]!),
        symbols,
      );
      return Object.fromEntries(graph.outputs.map((o, i) => [o.name, own(results[i]!)]));
    },
    release: async () => {},
  };
}

/** Evaluates a graph on positional inputs. */
export function evaluateGraph(
  graph: Graph,
  inputs: readonly HostTensor[],
  outer: ReadonlyMap<string, number> = new Map(),
): HostTensor[] {
  const symbols = new Map(outer);
  const values: ValueMap<HostTensor> = new Map();
  graph.inputs.forEach(({ tensor }, i) => {
    tensor.shape.forEach((dim, axis) => {
      if (typeof dim === "string" && !dim.includes("*")) symbols.set(dim, inputs[i]!.shape[axis]!);
    });
    setValue(values, tensor, inputs[i]!);
  });
  const resolve = (shape: Shape) => shape.map((d) => resolveDim(d, symbols));
  const run = (body: Graph, bodyInputs: readonly HostTensor[]) => evaluateGraph(body, bodyInputs, symbols);
  for (const node of graphNodes(graph)) {
    if (node.operator.name === "input") continue;
    const results = node.operator.evaluate(
      node.inputs.map((t) => getValue(values, t)!),
      node,
      { resolve, run },
    );
    node.outputs.forEach((type, output) => {
      setValue(values, { node, output, ...type }, results[output]!);
    });
  }
  return graph.outputs.map((o) => getValue(values, o.tensor)!);
}

function own(tensor: HostTensor): HostTensor {
  return { ...tensor, data: tensor.data.slice() };
}
