import { type Graph, getValue, setValue, sortNodes, type ValueMap } from "./graph.ts";
import type { AttributeValue, Node, Tensor } from "./tensor.ts";

/** Removes identities and computes equal expressions once. Values do not change. */
export function optimize(graph: Graph): Graph {
  const values: ValueMap<Tensor> = new Map();
  const known = new Map<string, Node>();
  const numbers = new Map<Node, number>();
  const lookup = (t: Tensor): Tensor => getValue(values, t) ?? t;
  for (const node of sortNodes(graph.outputs.map((o) => o.tensor))) {
    if (node.operator.name === "input") {
      numbers.set(node, numbers.size);
      continue;
    }
    const inputs = node.inputs.map(lookup);
    if (node.operator.name === "identity" || node.operator.name === "stopGradient") {
      setValue(values, { node, output: 0, ...node.outputs[0]! }, inputs[0]!);
      continue;
    }
    const fresh: Node = { ...node, inputs, bodies: node.bodies.map(optimize) };
    const key = node.bodies.length > 0 ? undefined : expressionKey(fresh, numbers);
    const same = key === undefined ? undefined : known.get(key);
    const kept = same ?? fresh;
    if (same === undefined) {
      numbers.set(fresh, numbers.size);
      if (key !== undefined) known.set(key, fresh);
    }
    node.outputs.forEach((type, output) => {
      setValue(values, { node, output, ...type }, { node: kept, output, ...type });
    });
  }
  return {
    inputs: graph.inputs,
    outputs: graph.outputs.map((o) => ({ name: o.name, tensor: lookup(o.tensor) })),
  };
}

function expressionKey(node: Node, numbers: ReadonlyMap<Node, number>): string | undefined {
  const attributes: string[] = [];
  for (const name of Object.keys(node.attributes).sort()) {
    const value = node.attributes[name]!;
    if (ArrayBuffer.isView(value) && value.length > 64) return undefined; // large constants are not compared
    attributes.push(`${name}=${show(value)}`);
  }
  const inputs = node.inputs.map((t) => `${numbers.get(t.node)}.${t.output}`);
  return `${node.operator.name}(${inputs.join(",")})[${attributes.join(";")}]`;
}

function show(value: AttributeValue): string {
  const text = (v: unknown) => (Object.is(v, -0) ? "-0" : String(v));
  return typeof value === "object" ? `[${Array.from(value as ArrayLike<unknown>, text).join(",")}]` : text(value);
}
