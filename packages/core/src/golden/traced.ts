import { constant, evaluate, gradients, type Tensor } from "@anabranch/engine";
import { type Nested, numbersOf, reshaped, shapeOf } from "./tensors.ts";

/** Nested lists as a traced constant of their shape. */
export function traced(value: Nested): Tensor {
  return constant(numbersOf(value), shapeOf(value));
}

/** Labels as traced integers, [n]. */
export function tracedLabels(labels: readonly number[]): Tensor {
  return constant(labels, [labels.length], "int32");
}

/** The value of a traced tensor as nested lists, in float64 by the interpreter. */
export function listed<N extends Nested = Nested>(tensor: Tensor): N {
  const { data, shape } = evaluate(tensor);
  const zeros = (dims: readonly number[]): Nested =>
    dims.length === 0 ? 0 : Array.from({ length: dims[0]! }, () => zeros(dims.slice(1)));
  return reshaped(Array.from(data), zeros(shape)) as N;
}

/** A traced scalar as a number. */
export function scalar(tensor: Tensor): number {
  return evaluate(tensor).data[0]!;
}

/** Gradients of a traced scalar by named tensors, as nested lists. */
export function gradientLists<V extends Readonly<Record<string, Tensor>>>(
  loss: Tensor,
  variables: V,
): Record<keyof V, Nested> {
  const found = gradients(loss, variables);
  return Object.fromEntries(Object.entries(found).map(([name, value]) => [name, listed(value)])) as Record<
    keyof V,
    Nested
  >;
}
