import type { Node, Tensor } from "../graph/graph.ts";
import { sameShape } from "../graph/shape.ts";
import { constantOperator } from "../graph/sources.ts";
import type { HostData, HostTensor } from "../graph/types.ts";

/** Larger constants are left to the executor. */
export const SMALL = 64;

const pointwise = new Set([
  "add",
  "sub",
  "mul",
  "div",
  "pow",
  "maximum",
  "minimum",
  "where",
  "equal",
  "greater",
  "greaterEqual",
  "less",
  "lessEqual",
  "logicalAnd",
]);

/** Inputs of a broadcasting operator without explicit broadcasts that another full-sized input makes needless. */
export function dropBroadcasts(node: Node, inputs: readonly Tensor[]): readonly Tensor[] {
  const { shape } = node.outputs[0]!;
  if (!pointwise.has(node.operator.name)) return inputs;
  const isBroadcast = (t: Tensor) => t.node.operator.name === "broadcastTo";
  if (!inputs.some((t) => !isBroadcast(t) && sameShape(t.shape, shape))) return inputs;
  return inputs.map((t) => (isBroadcast(t) ? t.node.inputs[0]! : t));
}

/** The operand that `node` returns unchanged: x * 1, x / 1, x + 0, x - 0. */
export function neutralOperand(node: Node): Tensor | undefined {
  const [a, b] = node.inputs;
  if (a === undefined || b === undefined) return undefined;
  const neutral = node.operator.name === "mul" || node.operator.name === "div" ? 1 : 0;
  const whole = (t: Tensor) => sameShape(t.shape, node.outputs[0]!.shape);
  switch (node.operator.name) {
    case "mul":
    case "add":
      if (isConstant(a, neutral) && whole(b)) return b;
      return isConstant(b, neutral) && whole(a) ? a : undefined;
    case "div":
    case "sub":
      return isConstant(b, neutral) && whole(a) ? a : undefined;
    default:
      return undefined;
  }
}

/** `node` as a constant where all its inputs are small constants. */
export function foldConstants(node: Node): Node | undefined {
  if (node.inputs.length === 0 || node.outputs.length !== 1 || node.bodies.length > 0) return undefined;
  if (node.operator.name === "broadcastTo" || !node.inputs.every((t) => constantData(t) !== undefined))
    return undefined;
  const { dtype, shape } = node.outputs[0]!;
  if (shape.reduce((n: number, d) => n * Number(d), 1) > SMALL) return undefined;
  const inputs = node.inputs.map((t): HostTensor => ({ ...(t as Tensor & HostTensor), data: constantData(t)! }));
  const evaluation = { resolve: (s: readonly unknown[]) => s as readonly number[], run: () => [] };
  const [value] = node.operator.evaluate(inputs, node, evaluation);
  return {
    operator: constantOperator,
    inputs: [],
    attributes: { dtype, shape, data: value!.data as Float64Array | Int32Array | Uint8Array },
    outputs: node.outputs,
    bodies: [],
    sequence: node.sequence,
  };
}

function constantData(t: Tensor): HostData | undefined {
  if (t.node.operator.name !== "constant") return undefined;
  const data = t.node.attributes["data"] as Float64Array | Int32Array | Uint8Array;
  return data.length <= SMALL ? data : undefined;
}

function isConstant(t: Tensor, value: number): boolean {
  const data = constantData(t);
  return data !== undefined && data.length > 0 && Array.from(data).every((v) => v === value);
}
