import type { Tensor } from "../graph/graph.ts";
import { product } from "../graph/shape.ts";
import { add } from "../ops/elementwise.ts";
import { lowRankProduct } from "../ops/low-rank-product.ts";
import { linear, matmul } from "../ops/matmul.ts";
import { reshape } from "../ops/shape.ts";
import { type Initialization, torchInitialization } from "./initializers.ts";
import { hasManyRows, lowRankParts } from "./low-rank.ts";
import { type Module, parameter } from "./module.ts";

export interface DenseOptions {
  /** Default true. */
  readonly bias?: boolean;
  /** Marks the classifier, which personal and head-only methods treat apart. Default false. */
  readonly head?: boolean;
  /** Default: PyTorch's. */
  readonly initialization?: Initialization;
}

/**
 * y = x W + b on the last axis: [..., inputs] -> [..., outputs]. Parameters weight [inputs, outputs], bias [outputs].
 *
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * const layer = nn.dense("output", 2, 3);
 * layer.parameters.map(({ name }) => name); // => ["output.weight", "output.bias"]
 * layer.parameters[0]!.shape; // => [2, 3]
 * ```
 */
export function dense(name: string, inputs: number, outputs: number, options: DenseOptions = {}): Module {
  const { bias = true, head = false, initialization = torchInitialization } = options;
  const weight = parameter(
    name,
    "weight",
    [inputs, outputs],
    head ? "head" : "matrix",
    initialization.weight(inputs, outputs),
  );
  const offset = parameter(name, "bias", [outputs], head ? "head" : "vector", initialization.bias(inputs));
  return {
    parameters: bias ? [weight, offset] : [weight],
    masks: [],
    apply(p, x, context) {
      const y = affine(x, p[weight.name]!, bias ? p[offset.name]! : undefined);
      return context?.adapt?.(name, y) ?? y;
    },
  };
}

/** x W + b, where the weight may be a sum with a low-rank product. */
export function affine(x: Tensor, weight: Tensor, bias: Tensor | undefined): Tensor {
  const parts = lowRankParts(weight);
  if (parts === undefined) return linear(x, weight, bias);
  const rows = x.shape.slice(0, -1);
  if (!hasManyRows(rows, weight.shape)) return add(linear(x, parts.weight, bias), matmul(matmul(x, parts.a), parts.b));
  const flat = reshape(x, [product(rows), weight.shape[0]!]);
  const y = reshape(lowRankProduct(matmul(flat, weight), flat, parts), [...rows, weight.shape[1]!]);
  return bias === undefined ? y : add(y, bias);
}
