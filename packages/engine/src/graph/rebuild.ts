import type { Node, Tensor } from "./graph.ts";
import { getValue, setValue, sortNodes, type ValueMap } from "./traversal.ts";

/** Copies the nodes below `roots` with some values replaced; unchanged nodes are kept as they are. */
export function substitute(roots: readonly Tensor[], replacements: ValueMap<Tensor>): Tensor[] {
  const map: ValueMap<Tensor> = new Map(replacements);
  const lookup = (t: Tensor): Tensor => getValue(map, t) ?? t;
  for (const node of sortNodes(roots)) {
    if (map.has(node) && node.outputs.every((_, i) => map.get(node)![i] !== undefined)) continue;
    const inputs = node.inputs.map(lookup);
    if (inputs.every((t, i) => t === node.inputs[i])) continue;
    const copy: Node = { ...node, inputs };
    node.outputs.forEach((type, output) => {
      const original = { node, output, ...type };
      if (getValue(map, original) === undefined) setValue(map, original, { node: copy, output, ...type });
    });
  }
  return roots.map(lookup);
}

/** Nodes that depend on at least one of `sources`. */
export function dependents(roots: readonly Tensor[], sources: ReadonlySet<Node>): Set<Node> {
  const found = new Set<Node>();
  for (const node of sortNodes(roots)) {
    if (sources.has(node) || node.inputs.some((t) => found.has(t.node))) found.add(node);
  }
  return found;
}
