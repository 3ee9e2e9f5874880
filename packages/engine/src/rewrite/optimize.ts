import type { AttributeValue, Graph, Node, Tensor } from "../graph/graph.ts";
import { getValue, setValue, sortNodes, type ValueMap } from "../graph/traversal.ts";
import { dropBroadcasts, foldConstants, neutralOperand, SMALL } from "./simplify.ts";

/**
 * Removes identities, neutral operands and needless broadcasts, folds small constants, and computes equal expressions
 * once. Values do not change but for the sign of a zero that x + 0 would lose.
 */
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
    const inputs = dropBroadcasts(node, node.inputs.map(lookup));
    const plain: Node = { ...node, inputs, bodies: node.bodies.map(optimize) };
    const unchanged = isIdentity(node) ? inputs[0] : neutralOperand(plain);
    if (unchanged !== undefined) {
      setValue(values, { node, output: 0, ...node.outputs[0]! }, unchanged);
      continue;
    }
    const fresh = foldConstants(plain) ?? plain;
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
  return { inputs: graph.inputs, outputs: graph.outputs.map((o) => ({ name: o.name, tensor: lookup(o.tensor) })) };
}

/** Operators whose value is their first input; the others matter to gradients alone. */
const IDENTITIES = ["identity", "stopGradient", "lowRankProduct"];

function isIdentity(node: Node): boolean {
  return IDENTITIES.includes(node.operator.name);
}

function expressionKey(node: Node, numbers: ReadonlyMap<Node, number>): string | undefined {
  const attributes: string[] = [];
  for (const name of Object.keys(node.attributes).sort()) {
    const value = node.attributes[name]!;
    if (ArrayBuffer.isView(value) && value.length > SMALL) return undefined; // large constants are not compared
    attributes.push(`${name}=${show(value)}`);
  }
  const inputs = node.inputs.map((t) => `${numbers.get(t.node)}.${t.output}`);
  return `${node.operator.name}(${inputs.join(",")})[${attributes.join(";")}]`;
}

function show(value: AttributeValue): string {
  const text = (v: unknown) => (Object.is(v, -0) ? "-0" : String(v));
  return typeof value === "object" ? `[${Array.from(value as ArrayLike<unknown>, text).join(",")}]` : text(value);
}
