import { oneHot, softmax, sqrt, square, sub, sum, type Tensor } from "@anabranch/engine";
import { permutation, type RandomStream } from "../random/index.ts";
import { lowest, shareOf } from "./structured-pruning.ts";

/**
 * EL2N of each example: |softmax(logits) - onehot(label)|, [N]. Easy examples are near 0, confidently wrong ones near
 * sqrt(2).
 *
 * Citation: M. Paul, S. Ganguli, G. K. Dziugaite, "Deep Learning on a Data Diet", NeurIPS 2021, arXiv:2107.07075, Definition
 * 2.2; used by L. Cao et al., "SFPrompt", 2024, arXiv:2407.17533, to train on less.
 * @param logits [N, classes]
 * @param labels int32 [N]
 *
 * @example
 * ```ts
 * import { errorNorms } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * evaluate(errorNorms(constant([0, 0], [1, 2]), constant([0], [1], "int32"))).data; // => [0.7071]
 * ```
 */
export function errorNorms(logits: Tensor, labels: Tensor): Tensor {
  const classes = logits.shape[1] as number;
  return sqrt(sum(square(sub(softmax(logits), oneHot(labels, classes))), [1]));
}

/**
 * The examples that are left when floor(drop n) of them are dropped, ascending. Of equal scores the lower index is dropped
 * first. On Fashion-MNIST the hardest half trains a worse model than a random half, so compare with a random choice.
 *
 * @param keep which end of the scores stays; a stream of random numbers: any, whatever the scores
 * @example
 * ```ts
 * import { pruneExamples } from "@anabranch/core";
 * pruneExamples([0.1, 1.2, 0.4, 0.9], 0.5); // => [1, 3]
 * ```
 */
export function pruneExamples(
  scores: readonly number[],
  drop: number,
  keep: "hardest" | "easiest" | RandomStream = "hardest",
): number[] {
  const count = shareOf(scores.length, drop);
  const dropped = new Set(lowest(orderOf(scores, keep), count));
  return scores.map((_, i) => i).filter((i) => !dropped.has(i));
}

function orderOf(scores: readonly number[], keep: "hardest" | "easiest" | RandomStream): readonly number[] {
  if (typeof keep === "object") return Array.from(permutation(keep, scores.length));
  return keep === "hardest" ? scores : scores.map((score) => -score);
}
