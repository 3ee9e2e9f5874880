import { apply, type Operator } from "../graph/operator.ts";
import type { DType, HostTensor, Tensor, TensorType } from "../graph/tensor.ts";

/** Placeholder bound when the program runs. */
export const inputOperator: Operator = {
  name: "input",
  infer: (_inputs, attributes) => [
    { dtype: attributes["dtype"] as DType, shape: attributes["shape"] as TensorType["shape"] },
  ],
  lower: () => {
    throw new Error("inputs are bound by the graph, not lowered");
  },
  evaluate: () => {
    throw new Error("inputs are bound by the graph, not evaluated");
  },
};

export function input(name: string, type: TensorType): Tensor {
  return apply(inputOperator, [], { name, dtype: type.dtype, shape: type.shape });
}

/** A value known when the graph is traced. */
export const constantOperator: Operator = {
  name: "constant",
  infer: (_inputs, attributes) => [
    { dtype: attributes["dtype"] as DType, shape: attributes["shape"] as TensorType["shape"] },
  ],
  lower: (lowering, node) => [
    lowering.constant(
      node.attributes["dtype"] as DType,
      node.attributes["shape"] as readonly number[],
      node.attributes["data"] as Float64Array,
    ),
  ],
  evaluate: (_inputs, node) => [
    {
      dtype: node.attributes["dtype"] as DType,
      shape: node.attributes["shape"] as readonly number[],
      data: node.attributes["data"] as Float64Array,
    },
  ],
};

/** A traced constant: a number becomes a float scalar, an array takes `shape` (default [length]). */
export function constant(value: number | ArrayLike<number>, shape?: readonly number[], dtype: DType = "float"): Tensor {
  const values = typeof value === "number" ? [value] : value;
  const dims = shape ?? (typeof value === "number" ? [] : [values.length]);
  const data =
    dtype === "float"
      ? Float64Array.from(values)
      : dtype === "int32"
        ? Int32Array.from(values)
        : Uint8Array.from(values);
  return apply(constantOperator, [], { dtype, shape: dims, data });
}

/** The value unchanged; `valueAndGrad` uses it to make variables distinct. */
export const identityOperator: Operator = {
  name: "identity",
  infer: (inputs) => [inputs[0]!],
  gradient: (_node, cotangents) => [cotangents[0]],
  lower: (lowering, _node, inputs) => [lowering.emit("Identity", inputs)],
  evaluate: (inputs) => [inputs[0] as HostTensor],
};

export function identity(x: Tensor): Tensor {
  return apply(identityOperator, [x]);
}

/** The value unchanged, with no gradient. */
export const stopGradientOperator: Operator = {
  name: "stopGradient",
  infer: (inputs) => [inputs[0]!],
  lower: (lowering, _node, inputs) => [lowering.emit("Identity", inputs)],
  evaluate: (inputs) => [inputs[0] as HostTensor],
};

export function stopGradient(x: Tensor): Tensor {
  return apply(stopGradientOperator, [x]);
}
