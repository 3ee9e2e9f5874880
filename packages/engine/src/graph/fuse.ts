import { productUpdateOperator } from "../ops/product-update.ts";
import { type Graph, getValue, graphNodes, setValue, type ValueMap } from "./graph.ts";
import { apply } from "./operator.ts";
import { sameShape } from "./shape.ts";
import type { Node, Tensor } from "./tensor.ts";

/**
 * Turns c - scale * (a b) of plain matrices, the update of a weight matrix by gradient descent, into one operator: it
 * saves two passes over a matrix of the size of c. The product must have no other use.
 */
export function fuseUpdates(graph: Graph): Graph {
  const nodes = graphNodes(graph);
  const uses = new Map<Node, number>();
  for (const t of [...nodes.flatMap((n) => n.inputs), ...graph.outputs.map((o) => o.tensor)]) {
    uses.set(t.node, (uses.get(t.node) ?? 0) + 1);
  }
  const values: ValueMap<Tensor> = new Map();
  const lookup = (t: Tensor): Tensor => getValue(values, t) ?? t;
  for (const node of nodes) {
    const fused = node.operator.name === "sub" ? fuseUpdate(node, uses, lookup) : undefined;
    if (fused !== undefined) {
      setValue(values, { node, output: 0, ...node.outputs[0]! }, fused);
      continue;
    }
    const inputs = node.inputs.map(lookup);
    if (inputs.every((t, i) => t === node.inputs[i])) continue;
    const copy: Node = { ...node, inputs };
    node.outputs.forEach((type, output) => {
      setValue(values, { node, output, ...type }, { node: copy, output, ...type });
    });
  }
  return { inputs: graph.inputs, outputs: graph.outputs.map((o) => ({ name: o.name, tensor: lookup(o.tensor) })) };
}

function fuseUpdate(node: Node, uses: ReadonlyMap<Node, number>, lookup: (t: Tensor) => Tensor): Tensor | undefined {
  const [c, scaled] = node.inputs as [Tensor, Tensor];
  if (scaled.node.operator.name !== "mul" || uses.get(scaled.node) !== 1) return undefined;
  const product = scaled.node.inputs.find((t) => t.node.operator.name === "matmul" && uses.get(t.node) === 1);
  const scale = scaled.node.inputs.find((t) => t !== product);
  if (product === undefined || scale === undefined || scale.shape.length !== 0) return undefined;
  const plain = [c, ...product.node.inputs].every((t) => t.shape.length === 2);
  if (!plain || !sameShape(c.shape, product.shape)) return undefined;
  return apply(productUpdateOperator, [c, ...product.node.inputs, scale].map(lookup), product.node.attributes);
}
