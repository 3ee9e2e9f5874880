import type { Tensor } from "../graph/graph.ts";
import { constant } from "../graph/sources.ts";
import { byPath, fromPaths, type NamedTensors, type TensorTree } from "../graph/trace.ts";
import { tanh } from "../ops/activations.ts";
import { add, div, exp, mul, sqrt, square } from "../ops/elementwise.ts";
import { combineTrees, type Optimizer, requireOption, zerosLike } from "./optimizer.ts";

export interface AdamwOptions {
  /** Decay of the mean of the gradient. Default 0.9. */
  readonly beta1?: number;
  /** Decay of the mean of its square. Default 0.999. */
  readonly beta2?: number;
  /** Added to the root, outside it. Default 1e-8. */
  readonly epsilon?: number;
  /** Decoupled: p shrinks by learningRate * weightDecay. Default 0.01. */
  readonly weightDecay?: number;
}

/**
 * State of AdamW: both moments, the second one as the preconditioner, and the number of steps in each (float scalars).
 * They differ after a warm start, where the second moment goes on and the first one begins anew.
 */
export type AdamwState = {
  readonly preconditioner: NamedTensors;
  readonly firstMoment: TensorTree;
  readonly step: Tensor;
  readonly preconditionerSteps: Tensor;
};

/**
 * Adam with decoupled weight decay and bias correction:
 *
 *   k <- k + 1;  t <- t + 1;  m <- b1 * m + (1 - b1) * g;  v <- b2 * v + (1 - b2) * g^2
 *   p <- p - eta * weightDecay * p - eta * (m / (1 - b1^k)) / (sqrt(v / (1 - b2^t)) + epsilon)
 *
 * k = t but after a warm start, which brings v with the t steps that went into it.
 * Reference: I. Loshchilov, F. Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, arXiv:1711.05101, Algorithm 2
 * (with the decay multiplied by the learning rate, as in PyTorch).
 *
 * @example
 * ```ts
 * import { adamw, constant, evaluate, takeStep } from "@anabranch/engine";
 * const optimizer = adamw({ weightDecay: 0.1 });
 * const p = { w: constant([1], [1]) };
 * const next = takeStep(optimizer, { w: constant([2], [1]) }, optimizer.init(p), p, { learningRate: 0.1 });
 * evaluate(next.parameters.w).data; // => [0.89]
 * ```
 */
export function adamw(options: AdamwOptions = {}): Optimizer {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.01 } = options;
  requireOption("adamw", "beta1", beta1, beta1 >= 0 && beta1 < 1, "0 <= beta1 < 1");
  requireOption("adamw", "beta2", beta2, beta2 >= 0 && beta2 < 1, "0 <= beta2 < 1");
  requireOption("adamw", "epsilon", epsilon, epsilon >= 0, "0 or more");
  requireOption("adamw", "weightDecay", weightDecay, weightDecay >= 0, "0 or more");
  return {
    init: (parameters, warm) =>
      ({
        preconditioner: warm?.preconditioner ?? byPath(zerosLike(parameters)),
        firstMoment: zerosLike(parameters),
        step: constant(0),
        preconditionerSteps: warm?.steps ?? constant(0),
      }) satisfies AdamwState,
    direction(gradients, state, parameters) {
      const { preconditioner, firstMoment, ...counters } = state as AdamwState;
      const [step, preconditionerSteps] = [add(counters.step, 1), add(counters.preconditionerSteps, 1)];
      const first = combineTrees("adamw", (_p, g, m) => average(m, g, beta1), gradients, firstMoment);
      const previous = fromPaths(parameters, preconditioner);
      const second = combineTrees("adamw", (_p, g, v) => average(v, square(g), beta2), gradients, previous);
      const gain = div(1, oneMinusPower(beta1, step));
      const correction = sqrt(oneMinusPower(beta2, preconditionerSteps));
      const direction = combineTrees(
        "adamw",
        (_path, p, m, v) => {
          const adapted = mul(div(m, add(div(sqrt(v), correction), epsilon)), gain);
          return weightDecay === 0 ? adapted : add(adapted, mul(p, weightDecay));
        },
        parameters,
        first,
        second,
      );
      const next = {
        preconditioner: byPath(second),
        firstMoment: first,
        step,
        preconditionerSteps,
      } satisfies AdamwState;
      return { direction, state: next };
    },
  };
}

/**
 * 1 - beta^t as (1 + beta^t) tanh(-t log(beta) / 2): the plain difference would lose four of float32's seven digits in
 * the first steps.
 */
export function oneMinusPower(beta: number, step: Tensor): Tensor {
  const exponent = mul(step, Math.log(beta));
  return mul(add(exp(exponent), 1), tanh(mul(exponent, -0.5)));
}

/** decay * mean + (1 - decay) * value. */
export function average(mean: Tensor, value: Tensor, decay: number): Tensor {
  return add(mul(mean, decay), mul(value, 1 - decay));
}
