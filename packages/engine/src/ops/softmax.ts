import { apply, outputOf } from "../graph/apply.ts";
import type { Node, Operator, Tensor } from "../graph/graph.ts";
import { sizeOfShape } from "../graph/host.ts";
import { formatShape, normalizeAxis, sameShape } from "../graph/shape.ts";
import type { HostTensor } from "../graph/types.ts";
import { int } from "../onnx/attributes.ts";
import { sum } from "./broadcast.ts";
import { exp, mul, sub } from "./elementwise.ts";
import { checkIndex, oneHot } from "./indexing.ts";
import { requireFloats, shapeError, showTensors } from "./operands.ts";
import { cast } from "./selection.ts";
import { expandDims } from "./shape.ts";

/**
 * exp(x) / sum(exp(x)) along one axis, with the maximum subtracted first.
 *
 * @example
 * ```ts
 * import { constant, evaluate, softmax } from "@anabranch/engine";
 * evaluate(softmax(constant([0, Math.log(3)], [1, 2]))).data; // => [0.25, 0.75]
 * ```
 */
export function softmax(x: Tensor, axis = -1): Tensor {
  return apply(softmaxOperator, [x], { axis: normalizeAxis(axis, x.shape.length) });
}

/**
 * x - log(sum(exp(x))) along one axis, with the maximum subtracted first.
 *
 * @example
 * ```ts
 * import { constant, evaluate, logSoftmax } from "@anabranch/engine";
 * evaluate(logSoftmax(constant([0, Math.log(3)], [1, 2]))).data; // => [-1.3863, -0.28768]
 * ```
 */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  return apply(logSoftmaxOperator, [x], { axis: normalizeAxis(axis, x.shape.length) });
}

/**
 * Cross-entropy of each example, not averaged: log(sum(exp(logits))) - logits[label].
 *
 * @param logits [..., C]
 * @param labels [...] int32 (uint8 is cast), each in [0, C); ONNX Runtime reads a label from -C to -1 as counted from the end
 * @returns losses [...]
 * @example
 * ```ts
 * import { constant, evaluate, softmaxCrossEntropy } from "@anabranch/engine";
 * const logits = constant([0, Math.log(3), 5, 5], [2, 2]);
 * const labels = constant([1, 0], [2], "int32");
 * evaluate(softmaxCrossEntropy(logits, labels)).data; // => [0.28768, 0.69315]
 * ```
 */
export function softmaxCrossEntropy(logits: Tensor, labels: Tensor): Tensor {
  return apply(crossEntropyOperator, [logits, labels.dtype === "uint8" ? cast(labels, "int32") : labels]);
}

/** Cuts the data into lanes along an axis and writes f(lane) into a fresh tensor. */
function mapLanes(x: HostTensor, axis: number, fn: (lane: Float64Array) => Float64Array): HostTensor {
  const extent = x.shape[axis]!;
  const stride = sizeOfShape(x.shape.slice(axis + 1));
  const data = new Float64Array(x.data.length);
  const lane = new Float64Array(extent);
  for (let start = 0; start < x.data.length; start += extent * stride) {
    for (let inner = 0; inner < stride; inner++) {
      for (let i = 0; i < extent; i++) lane[i] = x.data[start + inner + i * stride]!;
      const result = fn(lane);
      for (let i = 0; i < extent; i++) data[start + inner + i * stride] = result[i]!;
    }
  }
  return { dtype: "float", shape: x.shape, data };
}

function logSumExp(lane: Float64Array): number {
  const maximum = lane.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return maximum + Math.log(lane.reduce((total, x) => total + Math.exp(x - maximum), 0));
}

const axisOf = (node: Node): number => node.attributes["axis"] as number;

const softmaxOperator: Operator = {
  name: "softmax",
  infer(inputs) {
    requireFloats("softmax", inputs);
    return [inputs[0]!];
  },
  gradient(node, cotangents) {
    const y = outputOf(node);
    const g = cotangents[0]!;
    return [mul(y, sub(g, sum(mul(g, y), [axisOf(node)], true)))];
  },
  lower: (lowering, node, inputs) => [lowering.emit("Softmax", inputs, { axis: int(axisOf(node)) })],
  evaluate: ([x], node) => [
    mapLanes(x!, axisOf(node), (lane) => {
      const total = logSumExp(lane);
      return lane.map((v) => Math.exp(v - total));
    }),
  ],
};

const logSoftmaxOperator: Operator = {
  name: "logSoftmax",
  infer(inputs) {
    requireFloats("logSoftmax", inputs);
    return [inputs[0]!];
  },
  gradient(node, cotangents) {
    const g = cotangents[0]!;
    return [sub(g, mul(exp(outputOf(node)), sum(g, [axisOf(node)], true)))];
  },
  lower: (lowering, node, inputs) => [lowering.emit("LogSoftmax", inputs, { axis: int(axisOf(node)) })],
  evaluate: ([x], node) => [
    mapLanes(x!, axisOf(node), (lane) => {
      const total = logSumExp(lane);
      return lane.map((v) => v - total);
    }),
  ],
};

const crossEntropyOperator: Operator = {
  name: "softmaxCrossEntropy",
  infer(inputs) {
    requireFloats("softmaxCrossEntropy", inputs.slice(0, 1));
    const [logits, labels] = inputs as [Tensor, Tensor];
    if (logits.shape.length === 0 || labels.dtype !== "int32" || !sameShape(logits.shape.slice(0, -1), labels.shape)) {
      const expected = `float[..., C] and int32${formatShape(logits.shape.slice(0, -1))}`;
      throw shapeError("softmaxCrossEntropy", "logits and labels do not fit", showTensors(inputs), expected);
    }
    return [{ dtype: "float", shape: labels.shape }];
  },
  gradient(node, cotangents) {
    const [logits, labels] = node.inputs as [Tensor, Tensor];
    const classes = logits.shape[logits.shape.length - 1] as number;
    const residual = sub(softmax(logits), oneHot(labels, classes));
    return [mul(residual, expandDims(cotangents[0]!, -1)), undefined];
  },
  lower(lowering, _node, [logits, labels]) {
    const logProbabilities = lowering.emit("LogSoftmax", [logits!], { axis: int(-1) });
    const index = lowering.emit("Unsqueeze", [labels!, lowering.int64([-1])]);
    const picked = lowering.emit("GatherElements", [logProbabilities, index], { axis: int(-1) });
    return [lowering.emit("Neg", [lowering.emit("Squeeze", [picked, lowering.int64([-1])])])];
  },
  evaluate([logits, labels]) {
    const classes = logits!.shape[logits!.shape.length - 1]!;
    const data = Float64Array.from(labels!.data, (label, row) => {
      const lane = Float64Array.from(logits!.data.subarray(row * classes, (row + 1) * classes));
      return logSumExp(lane) - lane[checkIndex("softmaxCrossEntropy", label, classes)]!;
    });
    return [{ dtype: "float", shape: labels!.shape, data }];
  },
};

export const softmaxOperators: readonly Operator[] = [softmaxOperator, logSoftmaxOperator, crossEntropyOperator];
