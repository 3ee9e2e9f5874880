import { AnabranchError } from "../errors.ts";
import { apply, type Operator } from "../graph/operator.ts";
import { formatShape } from "../graph/shape.ts";
import type { Dim, DType, HostData, HostTensor, Tensor, TensorType } from "../graph/tensor.ts";
import { allocate, sizeOfShape } from "./host.ts";

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

const symbolic = /^([1-9]\d*\*)?[A-Za-z_]\w*$/;

/** A placeholder of a given element type and shape; `trace` makes them from types. */
export function input(name: string, type: TensorType): Tensor {
  const fits = (d: Dim) => (typeof d === "number" ? Number.isInteger(d) && d >= 0 : symbolic.test(d));
  if (!type.shape.every(fits)) {
    throw new AnabranchError({
      code: "engine/shape",
      message: "a dimension is no extent",
      where: `input ${name}`,
      received: formatShape(type.shape),
      expected: 'whole numbers from 0 on, symbols such as "N", and multiples such as "4*N"',
      advice: "Give every dimension in one of these forms.",
    });
  }
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

/**
 * A traced constant: a number becomes a float scalar, an array takes `shape` (default [length]). Throws `engine/constant`
 * where the values do not fill the shape or the element type cannot hold one of them.
 */
export function constant(value: number | ArrayLike<number>, shape?: readonly number[], dtype: DType = "float"): Tensor {
  const values = typeof value === "number" ? [value] : value;
  const dims = shape ?? (typeof value === "number" ? [] : [values.length]);
  const data = allocate(dtype, values.length);
  data.set(values);
  if (sizeOfShape(dims) !== data.length) {
    throw constantError("a constant does not fill its shape", `${data.length} values`, formatShape(dims));
  }
  const changed = dtype === "float" ? -1 : data.findIndex((v, i) => v !== values[i] || (dtype === "bool" && v > 1));
  if (changed >= 0) {
    throw constantError("the element type cannot hold a constant", String(values[changed]), `a value of ${dtype}`);
  }
  return apply(constantOperator, [], { dtype, shape: dims, data: data as Exclude<HostData, Float32Array> });
}

function constantError(message: string, received: string, expected: string): AnabranchError {
  const advice = "A number beside a tensor takes that tensor's element type: cast the tensor first, e.g. to float.";
  return new AnabranchError({ code: "engine/constant", message, where: "constant", received, expected, advice });
}

/** The value unchanged; `valueAndGrad` uses it to make variables distinct. */
export const identityOperator: Operator = {
  name: "identity",
  infer: (inputs) => [inputs[0]!],
  gradient: (_node, cotangents) => [cotangents[0]],
  lower: (lowering, _node, inputs) => [lowering.emit("Identity", inputs)],
  evaluate: (inputs) => [inputs[0] as HostTensor],
};

/** A value of its own equal to x: a gradient by it is not the gradient by x. */
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

/** x, through which no gradient flows. */
export function stopGradient(x: Tensor): Tensor {
  return apply(stopGradientOperator, [x]);
}
