import type { Graph, Node, Tensor } from "./graph.ts";

/** Nodes reachable from `roots`, every node after its inputs, in an order fixed by the roots alone. */
export function sortNodes(roots: readonly Tensor[]): Node[] {
  const order: Node[] = [];
  const done = new Set<Node>();
  for (const root of roots) {
    const stack: { node: Node; next: number }[] = [{ node: root.node, next: 0 }];
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      if (done.has(top.node)) {
        stack.pop();
      } else if (top.next < top.node.inputs.length) {
        const child = top.node.inputs[top.next++]!.node;
        if (!done.has(child)) stack.push({ node: child, next: 0 });
      } else {
        done.add(top.node);
        order.push(top.node);
        stack.pop();
      }
    }
  }
  return order;
}

/** Nodes of a whole graph in evaluation order. */
export function graphNodes(graph: Graph): Node[] {
  return sortNodes(graph.outputs.map((o) => o.tensor));
}

/** A value's identity: equal keys mean the same value. */
export type ValueMap<T> = Map<Node, T[]>;

export function setValue<T>(map: ValueMap<T>, tensor: Tensor, value: T): void {
  const list = map.get(tensor.node);
  if (list === undefined) {
    const fresh: T[] = [];
    fresh[tensor.output] = value;
    map.set(tensor.node, fresh);
  } else {
    list[tensor.output] = value;
  }
}

export function getValue<T>(map: ValueMap<T>, tensor: Tensor): T | undefined {
  return map.get(tensor.node)?.[tensor.output];
}
