import { AnabranchError } from "../errors.ts";
import { apply } from "./apply.ts";
import type { Operator, Tensor } from "./graph.ts";
import { allocate, sizeOfShape } from "./host.ts";
import { formatShape } from "./shape.ts";
import type { Dim, DType, HostData, TensorType } from "./types.ts";

/** Values that come from no other value: every graph starts at them, and walkers of graphs know their operators by name. */

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

/**
 * A placeholder of a given element type and shape; `trace` makes them from types.
 *
 * @example
 * ```ts
 * import { formatShape, input, mean } from "@anabranch/engine";
 * const x = input("x", { dtype: "float", shape: ["N", 4] });
 * formatShape(mean(x, [1]).shape); // => "[N]"
 * ```
 */
export function input(name: string, type: TensorType): Tensor {
  const fits = (d: Dim) => (typeof d === "number" ? Number.isInteger(d) && d >= 0 : symbolic.test(d));
  if (!type.shape.every(fits)) {
    throw new AnabranchError({
      code: "engine/shape",
      message: "invalid dimension",
      where: `input ${name}`,
      received: formatShape(type.shape),
      expected: 'integers of 0 or more, symbols such as "N", and multiples such as "4*N"',
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
 *
 * @example
 * ```ts
 * import { constant, evaluate } from "@anabranch/engine";
 * const x = constant([1, 2, 3, 4], [2, 2]);
 * x.shape; // => [2, 2]
 * evaluate(constant(2, [])).data; // => [2]
 * ```
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

/** A tensor or a number that is traced as a constant scalar. */
export type Operand = Tensor | number;

/**
 * A traced scalar from a number; tensors pass through.
 *
 * @example
 * ```ts
 * import { asTensor } from "@anabranch/engine";
 * asTensor(2).shape; // => []
 * ```
 */
export function asTensor(value: Operand): Tensor {
  return typeof value === "number" ? constant(value) : value;
}
