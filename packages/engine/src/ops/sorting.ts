import { apply } from "../graph/apply.ts";
import type { Operator, Tensor } from "../graph/graph.ts";
import { int } from "../onnx/attributes.ts";
import { shapeError, showTensors } from "./operands.ts";

const ranksOperator: Operator = {
  name: "ranks",
  infer(inputs) {
    const [x] = inputs as [Tensor];
    const [extent] = x.shape;
    if (x.dtype !== "float" || x.shape.length !== 1 || typeof extent !== "number")
      throw shapeError("ranks", "the values need a vector of known length", showTensors(inputs), "float[n]");
    return [{ dtype: "float", shape: x.shape }];
  },
  lower(lowering, node, [x]) {
    const n = node.inputs[0]!.shape[0] as number;
    const ascending = { axis: int(-1), largest: int(0), sorted: int(1) };
    const [, order] = lowering.emitAll("TopK", [x!, lowering.int64([n])], ascending, 2);
    const places = Float32Array.from({ length: n }, (_, i) => i);
    const zero = lowering.constant("float", [n], new Float32Array(n));
    return [lowering.emit("ScatterElements", [zero, order!, lowering.constant("float", [n], places)])];
  },
  evaluate([x]) {
    const order = Int32Array.from(x!.data, (_, i) => i).sort((a, b) => x!.data[a]! - x!.data[b]! || a - b);
    const data = new Float64Array(order.length);
    for (let place = 0; place < order.length; place++) data[order[place]!] = place;
    return [{ dtype: "float", shape: x!.shape, data }];
  },
};

/**
 * Place of each value in ascending order, from 0: float [n] to float [n]. Equal values: the lower index comes first. It is
 * piecewise constant and has no gradient.
 *
 * @example
 * ```ts
 * import { constant, evaluate, ranks } from "@anabranch/engine";
 * evaluate(ranks(constant([3, 1, 2]))).data; // => [2, 0, 1]
 * ```
 */
export function ranks(x: Tensor): Tensor {
  return apply(ranksOperator, [x]);
}

export const sortingOperators: readonly Operator[] = [ranksOperator];
