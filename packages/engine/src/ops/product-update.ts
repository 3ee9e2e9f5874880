import { AnabranchError } from "../errors.ts";
import type { Operator } from "../graph/operator.ts";
import { product } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { int } from "../onnx/lowering.ts";
import { evaluateMatmul } from "./matmul.ts";

/**
 * c - scale * (a b) with matrices read transposed as in `matmul`: one Gemm. Only `optimize` writes it, after all
 * differentiation. The scale multiplies the smaller factor, so the result may differ in the last bit from the two steps.
 */
export const productUpdateOperator: Operator = {
  name: "productUpdate",
  infer: (inputs) => [inputs[0]!],
  gradient() {
    throw new AnabranchError({
      code: "engine/no-gradient",
      message: "an optimized graph cannot be differentiated",
      expected: "gradients of the graph as it was traced",
    });
  },
  lower(lowering, node, [c, a, b, scale]) {
    const negative = lowering.emit("Neg", [scale!]);
    const [left, right] = scaleLeft(node.inputs[1]!, node.inputs[2]!)
      ? [lowering.emit("Mul", [a!, negative]), b!]
      : [a!, lowering.emit("Mul", [b!, negative])];
    const flag = (name: string) => int(node.attributes[name] === true ? 1 : 0);
    return [lowering.emit("Gemm", [left, right, c!], { transA: flag("transposeA"), transB: flag("transposeB") })];
  },
  evaluate([c, a, b, scale], node) {
    const change = evaluateMatmul(a!, b!, node);
    const rate = scale!.data[0]!;
    return [{ ...change, data: Float64Array.from(change.data, (v, i) => c!.data[i]! - rate * v) }];
  },
};

/** Whether the left factor is the smaller one; a symbolic extent is a batch, shared by both. */
function scaleLeft(a: Tensor, b: Tensor): boolean {
  const size = (t: Tensor) => product(t.shape.filter((d) => typeof d === "number")) as number;
  return size(a) < size(b);
}
