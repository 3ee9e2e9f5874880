import { cast, constant, expandDims, lessEqual, matmul, minimum, softmax, sum, type Tensor } from "@anabranch/engine";

/**
 * Labels drawn from the model's own distribution, by inverse transform: the number of classes whose cumulative probability
 * does not exceed the uniform number. No gradient.
 *
 * @param logits [..., classes]
 * @param uniforms [...] in [0, 1)
 * @returns int32 [...] in [0, classes)
 */
export function sampleLabels(logits: Tensor, uniforms: Tensor, classes: number): Tensor {
  const upTo = Array.from({ length: classes * classes }, (_, i) => (Math.floor(i / classes) <= i % classes ? 1 : 0));
  const cumulative = matmul(softmax(logits), constant(upTo, [classes, classes]));
  const passed = sum(cast(lessEqual(cumulative, expandDims(uniforms, -1)), "float"), [-1]);
  return cast(minimum(passed, classes - 1), "int32"); // rounding may leave the whole sum below 1
}
