import type { Attributes, Graph, Node, Operator, Tensor } from "./graph.ts";

let sequence = 0;

/** Applies an operator to traced values and returns all its outputs. */
export function applyAll(
  operator: Operator,
  inputs: readonly Tensor[],
  attributes: Attributes = {},
  bodies: readonly Graph[] = [],
): readonly Tensor[] {
  // plain types only: shape rules may return a tensor as its own type
  const outputs = operator.infer(inputs, attributes, bodies).map(({ dtype, shape }) => ({ dtype, shape }));
  const node: Node = { operator, inputs, attributes, outputs, bodies, sequence: sequence++ };
  return outputs.map((type, output) => ({ node, output, dtype: type.dtype, shape: type.shape }));
}

/** Applies an operator with one output. */
export function apply(operator: Operator, inputs: readonly Tensor[], attributes: Attributes = {}): Tensor {
  return applyAll(operator, inputs, attributes)[0]!;
}

/** The number the next node will get. */
export function nextSequence(): number {
  return sequence;
}

/** Output `index` of a node as a traced value; gradient rules reuse what the forward pass computed. */
export function outputOf(node: Node, index = 0): Tensor {
  const { dtype, shape } = node.outputs[index]!;
  return { node, output: index, dtype, shape };
}
