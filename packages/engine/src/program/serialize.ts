import { AnabranchError } from "../errors.ts";
import type { Attributes, Graph, Node, Tensor } from "../graph/graph.ts";
import { graphNodes } from "../graph/traversal.ts";
import type { TensorType } from "../graph/types.ts";
import { operators } from "../ops/table.ts";

type Reference = readonly [node: number, output: number];

export interface SerializedNode {
  readonly operator: string;
  readonly inputs: readonly Reference[];
  readonly attributes: Attributes;
  readonly outputs: readonly TensorType[];
  readonly bodies: readonly SerializedGraph[];
}

/** A graph as plain data: operators by name from the closed table, values by position. */
export interface SerializedGraph {
  readonly nodes: readonly SerializedNode[];
  readonly inputs: readonly { readonly name: string; readonly value: Reference }[];
  readonly outputs: readonly { readonly name: string; readonly value: Reference }[];
}

export function serializeGraph(graph: Graph): SerializedGraph {
  const sorted = graphNodes(graph);
  const unused = graph.inputs.map((i) => i.tensor.node).filter((node) => !sorted.includes(node));
  const nodes = [...unused, ...sorted];
  const index = new Map(nodes.map((node, i) => [node, i]));
  const reference = (t: Tensor): Reference => [index.get(t.node)!, t.output];
  return {
    nodes: nodes.map((node) => ({
      operator: node.operator.name,
      inputs: node.inputs.map(reference),
      attributes: node.attributes,
      outputs: node.outputs.map(({ dtype, shape }) => ({ dtype, shape })),
      bodies: node.bodies.map(serializeGraph),
    })),
    inputs: graph.inputs.map((i) => ({ name: i.name, value: reference(i.tensor) })),
    outputs: graph.outputs.map((o) => ({ name: o.name, value: reference(o.tensor) })),
  };
}

/** Rebuilds a graph; throws `engine/unknown-operator` for a name outside the table. */
export function deserializeGraph(serialized: SerializedGraph): Graph {
  const nodes: Node[] = [];
  const tensor = ([node, output]: Reference): Tensor => ({
    node: nodes[node]!,
    output,
    ...nodes[node]!.outputs[output]!,
  });
  for (const [sequence, plain] of serialized.nodes.entries()) {
    const operator = operators.get(plain.operator);
    if (operator === undefined) {
      throw new AnabranchError({
        code: "engine/unknown-operator",
        message: "a program names an operator that this version does not have",
        received: plain.operator,
        expected: "an operator of the table",
        advice: "Use the same package version on both sides.",
      });
    }
    nodes.push({
      operator,
      inputs: plain.inputs.map(tensor),
      attributes: plain.attributes,
      outputs: plain.outputs,
      bodies: plain.bodies.map(deserializeGraph),
      sequence,
    });
  }
  const named = (x: { name: string; value: Reference }) => ({ name: x.name, tensor: tensor(x.value) });
  return { inputs: serialized.inputs.map(named), outputs: serialized.outputs.map(named) };
}
