import { AnabranchError } from "../errors.ts";
import type { Lowering } from "../onnx/lowering.ts";
import type { Graph } from "./graph.ts";
import type { Attributes, HostTensor, Node, Shape, Tensor, TensorType } from "./tensor.ts";

/** What an operator may ask of the interpreter while it evaluates. */
export interface Evaluation {
  /** Concrete extents of a shape under the symbols bound in this run. */
  resolve(shape: Shape): readonly number[];
  /** Runs a body (scan, cond) on positional inputs. */
  run(body: Graph, inputs: readonly HostTensor[]): readonly HostTensor[];
}

/**
 * One whole operator: its shape rule, its gradient rule written in traced operators (so gradients of gradients work),
 * its ONNX form and its plain evaluation in float64, which is the oracle of the other three.
 */
export interface Operator {
  readonly name: string;
  /** Output types; throws `engine/shape` on inputs that do not fit. */
  infer(inputs: readonly Tensor[], attributes: Attributes, bodies: readonly Graph[]): readonly TensorType[];
  /** Cotangents of the inputs from cotangents of the outputs (undefined: none arrived / none flows). Absent: piecewise constant. */
  gradient?(node: Node, cotangents: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[];
  /** Emits ONNX nodes; returns one value name for each output. */
  lower(lowering: Lowering, node: Node, inputs: readonly string[]): readonly string[];
  evaluate(inputs: readonly HostTensor[], node: Node, evaluation: Evaluation): readonly HostTensor[];
}

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

/** The error of a shape rule. */
export function shapeError(operator: string, message: string, received: string, expected: string): AnabranchError {
  return new AnabranchError({
    code: "engine/shape",
    message,
    where: operator,
    received,
    expected,
    advice: "Check the shapes that reach this operator; dimensions are listed as [d0, d1, ...].",
  });
}
