import type { Tensor } from "../graph/tensor.ts";
import type { TensorTree } from "../graph/trace.ts";
import { add, mul, sub } from "../ops/elementwise.ts";
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
 * State: { momentum: tree of m } when mu > 0, otherwise {}.
 * Reference: I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the importance of initialization and momentum in deep
 * learning", ICML 2013; here the learning rate multiplies the step and not the buffer, as in PyTorch.
 */
export function sgd(options: SgdOptions = {}): Optimizer {
  const { momentum = 0, nesterov = false, weightDecay = 0 } = options;
  requireOption("sgd", "momentum", momentum, momentum >= 0 && momentum < 1, "0 <= momentum < 1");
  requireOption("sgd", "weightDecay", weightDecay, weightDecay >= 0, "0 or more");
  requireOption("sgd", "momentum", momentum, !nesterov || momentum > 0, "more than 0 with nesterov");
  const decayed = (g: Tensor, p: Tensor) => (weightDecay === 0 ? g : add(g, mul(p, weightDecay)));
  return {
    init: (parameters): TensorTree => (momentum === 0 ? {} : { momentum: zerosLike(parameters) }),
    update(gradients, state, parameters, learningRate) {
      const step = (_path: string, p: Tensor, d: Tensor) => sub(p, mul(d, learningRate));
      const direction = combineTrees("sgd", (_path, g, p) => decayed(g, p), gradients, parameters);
      if (momentum === 0) return { parameters: combineTrees("sgd", step, parameters, direction), state };
      const previous = (state as { momentum: TensorTree }).momentum;
      const buffer = combineTrees("sgd", (_path, d, m) => add(mul(m, momentum), d), direction, previous);
      const applied = nesterov
        ? combineTrees("sgd", (_path, d, m) => add(d, mul(m, momentum)), direction, buffer)
        : buffer;
      return { parameters: combineTrees("sgd", step, parameters, applied), state: { momentum: buffer } };
    },
  };
}
