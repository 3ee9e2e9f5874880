import type { Tensor } from "../graph/graph.ts";
import { add, mul } from "../ops/elementwise.ts";
import { combineTrees, type Optimizer, requireOption, zerosLike } from "./optimizer.ts";

export interface SgdOptions {
  /** mu in [0, 1); 0 (default): no momentum and no state. */
  readonly momentum?: number;
  /** Looks one momentum step ahead. Default false. */
  readonly nesterov?: boolean;
  /** Coupled: added to the gradient before the momentum. Default 0. */
  readonly weightDecay?: number;
}

/**
 * Stochastic gradient descent as PyTorch computes it:
 *
 *   g <- g + weightDecay * p;  m <- mu * m + g;  d = g + mu * m (Nesterov) or m;  p <- p - eta * d
 *
 * State: momentum, the tree of m, when mu > 0; no preconditioner.
 * Reference: I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the importance of initialization and momentum in deep
 * learning", ICML 2013; here the learning rate multiplies the step and not the buffer, as in PyTorch.
 *
 * @example
 * ```ts
 * import { constant, evaluate, sgd, takeStep } from "@anabranch/engine";
 * const optimizer = sgd({ momentum: 0.9 });
 * const p = { w: constant([1], [1]) };
 * const next = takeStep(optimizer, { w: constant([2], [1]) }, optimizer.init(p), p, { learningRate: 0.1 });
 * evaluate(next.parameters.w).data; // => [0.8]
 * ```
 */
export function sgd(options: SgdOptions = {}): Optimizer {
  const { momentum = 0, nesterov = false, weightDecay = 0 } = options;
  requireOption("sgd", "momentum", momentum, momentum >= 0 && momentum < 1, "0 <= momentum < 1");
  requireOption("sgd", "weightDecay", weightDecay, weightDecay >= 0, "0 or more");
  requireOption("sgd", "momentum", momentum, !nesterov || momentum > 0, "more than 0 with nesterov");
  const decayed = (g: Tensor, p: Tensor) => (weightDecay === 0 ? g : add(g, mul(p, weightDecay)));
  return {
    init: (parameters) =>
      momentum === 0 ? { preconditioner: {} } : { preconditioner: {}, momentum: zerosLike(parameters) },
    direction(gradients, state, parameters) {
      const slope = combineTrees("sgd", (_path, g, p) => decayed(g, p), gradients, parameters);
      if (momentum === 0) return { direction: slope, state };
      const accumulate = (_path: string, d: Tensor, m: Tensor) => add(d, mul(m, momentum));
      const buffer = combineTrees("sgd", accumulate, slope, state["momentum"]!);
      const direction = nesterov ? combineTrees("sgd", accumulate, slope, buffer) : buffer;
      return { direction, state: { ...state, momentum: buffer } };
    },
  };
}
