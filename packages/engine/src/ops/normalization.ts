import { applyAll, outputOf } from "../graph/apply.ts";
import type { Node, Operator, Tensor } from "../graph/graph.ts";
import { sizeOfShape } from "../graph/host.ts";
import { normalizeAxis, staticShape } from "../graph/shape.ts";
import type { HostTensor } from "../graph/types.ts";
import { float, int } from "../onnx/attributes.ts";
import { add, mul, square, sub } from "./elementwise.ts";
import { requireFloats, shapeError, showTensors } from "./operands.ts";
import { mean } from "./reductions.ts";
import { reshape } from "./shape.ts";

const EPSILON = 1e-5;

/**
 * (x - mean) / sqrt(variance + epsilon) over the axes from `axis` to the last one together; the variance is the mean
 * square (no n - 1). These axes must be static.
 *
 * @example
 * ```ts
 * import { constant, evaluate, standardize } from "@anabranch/engine";
 * evaluate(standardize(constant([1, 3], [1, 2]), 1)).data; // => [-1, 1]
 * ```
 */
export function standardize(x: Tensor, axis: number, epsilon = EPSILON): Tensor {
  return applyAll(standardizeOperator, [x], { axis: normalizeAxis(axis, x.shape.length), epsilon })[0]!;
}

/**
 * Standardizes the last axis, then scales and shifts it.
 * J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer Normalization", 2016, arXiv:1607.06450.
 *
 * @param x [..., C]
 * @param gamma [C]
 * @param beta [C]
 * @example
 * ```ts
 * import { constant, evaluate, layerNorm } from "@anabranch/engine";
 * const x = constant([1, 3], [1, 2]);
 * evaluate(layerNorm(x, constant([1, 1], [2]), constant([0, 5], [2]))).data; // => [-1, 6]
 * ```
 */
export function layerNorm(x: Tensor, gamma: Tensor, beta: Tensor, epsilon = EPSILON): Tensor {
  return add(mul(standardize(x, -1, epsilon), gamma), beta);
}

/**
 * Standardizes each group of channels of each example, then scales and shifts each channel.
 * Y. Wu, K. He, "Group Normalization", ECCV 2018, arXiv:1803.08494.
 *
 * @param x [N, C, ...]
 * @param gamma [C]
 * @param beta [C]
 * @example
 * ```ts
 * import { constant, evaluate, groupNorm } from "@anabranch/engine";
 * const x = constant([1, 3, 10, 30], [1, 4, 1, 1]); // 4 channels in 2 groups
 * const y = groupNorm(x, 2, constant([1, 1, 1, 1], [4]), constant([0, 0, 0, 0], [4]));
 * evaluate(y).data; // => [-1, 1, -1, 1]
 * ```
 */
export function groupNorm(x: Tensor, groups: number, gamma: Tensor, beta: Tensor, epsilon = EPSILON): Tensor {
  const [channels, ...rest] = staticShape(x.shape.slice(1), "groupNorm") as [number, ...number[]];
  if (x.shape.length < 2 || channels % groups !== 0) {
    throw shapeError("groupNorm", "channels do not divide into groups", showTensors([x]), `[N, C, ...], ${groups} | C`);
  }
  const perChannel = [channels, ...rest.map(() => 1)];
  const lanes = reshape(x, [x.shape[0]!, groups, channels / groups, ...rest]);
  const standardized = reshape(standardize(lanes, 2, epsilon), x.shape);
  return add(mul(standardized, reshape(gamma, perChannel)), reshape(beta, perChannel));
}

const axisOf = (node: Node): number => node.attributes["axis"] as number;
const lanesOf = (node: Node, x: { readonly shape: HostTensor["shape"] | Tensor["shape"] }): number[] =>
  staticShape(x.shape.slice(axisOf(node)), "standardize");

/** Outputs: y like x, and 1 / sqrt(variance + epsilon) with the standardized axes of extent 1. */
const standardizeOperator: Operator = {
  name: "standardize",
  infer(inputs, attributes) {
    const x = inputs[0]!;
    const axis = attributes["axis"] as number;
    requireFloats("standardize", inputs);
    staticShape(x.shape.slice(axis), "standardize");
    const shape = x.shape.map((extent, i) => (i < axis ? extent : 1));
    return [x, { dtype: "float", shape }];
  },
  /**
   * With s = 1 / sqrt(variance + epsilon), n the number of standardized elements and means over them:
   *   y = (x - mean) s:  dx = s (g - mean(g) - y mean(g y))
   *   s:                 dx = -h s^2 y / n
   */
  gradient(node, [g, h]) {
    const x = node.inputs[0]!;
    const y = outputOf(node, 0);
    const s = outputOf(node, 1);
    const lanes = lanesOf(node, x);
    const axes = lanes.map((_, i) => axisOf(node) + i);
    const average = (t: Tensor) => mean(t, axes, true);
    const parts: Tensor[] = [];
    if (g !== undefined) parts.push(mul(s, sub(sub(g, average(g)), mul(y, average(mul(g, y))))));
    if (h !== undefined) parts.push(mul(y, mul(mul(h, square(s)), -1 / sizeOfShape(lanes))));
    return [parts.length === 2 ? add(parts[0]!, parts[1]!) : parts[0]];
  },
  lower(lowering, node, inputs) {
    const lanes = lanesOf(node, node.inputs[0]!);
    const ones = lowering.constant("float", lanes, new Float32Array(sizeOfShape(lanes)).fill(1));
    const attributes = { axis: int(axisOf(node)), epsilon: float(node.attributes["epsilon"] as number) };
    const [y, , s] = lowering.emitAll("LayerNormalization", [inputs[0]!, ones], attributes, 3);
    return [y!, s!];
  },
  evaluate([x], node) {
    const size = sizeOfShape(lanesOf(node, x!));
    const y = new Float64Array(x!.data.length);
    const scales = new Float64Array(size === 0 ? 0 : x!.data.length / size);
    for (let lane = 0; lane < scales.length; lane++) {
      let total = 0;
      for (let i = 0; i < size; i++) total += x!.data[lane * size + i]!;
      const center = total / size;
      let squares = 0;
      for (let i = 0; i < size; i++) squares += (x!.data[lane * size + i]! - center) ** 2;
      const scale = 1 / Math.sqrt(squares / size + (node.attributes["epsilon"] as number));
      for (let i = 0; i < size; i++) y[lane * size + i] = (x!.data[lane * size + i]! - center) * scale;
      scales[lane] = scale;
    }
    const shape = x!.shape.map((extent, i) => (i < axisOf(node) ? extent : 1));
    return [
      { dtype: "float", shape: x!.shape, data: y },
      { dtype: "float", shape, data: scales },
    ];
  },
};

export const normalizationOperators: readonly Operator[] = [standardizeOperator];
