import type { Tensor } from "../graph/graph.ts";
import { add, mul } from "../ops/elementwise.ts";
import { type AdamwOptions, adamw } from "./adamw.ts";
import { combineTrees, type Optimizer, requireOption } from "./optimizer.ts";

export interface AdamOptions extends Omit<AdamwOptions, "weightDecay"> {
  /** Coupled: added to the gradient before the moments. Default 0. */
  readonly weightDecay?: number;
}

/**
 * Adam with bias correction, whose weight decay is the gradient of an L2 penalty and so scaled like it:
 *
 *   g <- g + weightDecay * p;  then the step of `adamw` without decay
 *
 * State: that of `adamw`.
 * Reference: D. P. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, arXiv:1412.6980, Algorithm 1.
 *
 *
 * @example
 * ```ts
 * import { adam, constant, evaluate, takeStep } from "@anabranch/engine";
 * const optimizer = adam();
 * const p = { w: constant([1], [1]) };
 * const next = takeStep(optimizer, { w: constant([2], [1]) }, optimizer.init(p), p, { learningRate: 0.1 });
 * evaluate(next.parameters.w).data; // => [0.9]
 * ```
 */
export function adam({ weightDecay = 0, ...options }: AdamOptions = {}): Optimizer {
  requireOption("adam", "weightDecay", weightDecay, weightDecay >= 0, "0 or more");
  const plain = adamw({ ...options, weightDecay: 0 });
  if (weightDecay === 0) return plain;
  const decayed = (_path: string, g: Tensor, p: Tensor) => add(g, mul(p, weightDecay));
  return {
    ...plain,
    direction: (gradients, state, parameters, context) =>
      plain.direction(combineTrees("adam", decayed, gradients, parameters), state, parameters, context),
  };
}
