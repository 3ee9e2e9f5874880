import type { Tensor } from "../graph/tensor.ts";
import type { TensorTree } from "../graph/trace.ts";
import { constant } from "../ops/basic.ts";
import { add, div, exp, mul, sqrt, square, sub, tanh } from "../ops/elementwise.ts";
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

/** State of AdamW: both moments and the number of steps taken (a float scalar). */
export type AdamwState = {
  readonly firstMoment: TensorTree;
  readonly secondMoment: TensorTree;
  readonly step: Tensor;
};

/**
 * Adam with decoupled weight decay and bias correction:
 *
 *   t <- t + 1;  m <- b1 * m + (1 - b1) * g;  v <- b2 * v + (1 - b2) * g^2
 *   p <- p - eta * weightDecay * p - eta * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)
 *
 * Reference: I. Loshchilov, F. Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, arXiv:1711.05101, Algorithm 2
 * (with the decay multiplied by the learning rate, as in PyTorch).
 */
export function adamw(options: AdamwOptions = {}): Optimizer {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.01 } = options;
  requireOption("adamw", "beta1", beta1, beta1 >= 0 && beta1 < 1, "0 <= beta1 < 1");
  requireOption("adamw", "beta2", beta2, beta2 >= 0 && beta2 < 1, "0 <= beta2 < 1");
  requireOption("adamw", "epsilon", epsilon, epsilon >= 0, "0 or more");
  requireOption("adamw", "weightDecay", weightDecay, weightDecay >= 0, "0 or more");
  return {
    init: (parameters) =>
      ({
        firstMoment: zerosLike(parameters),
        secondMoment: zerosLike(parameters),
        step: constant(0),
      }) satisfies AdamwState,
    update(gradients, state, parameters, learningRate) {
      const { firstMoment, secondMoment, step: steps } = state as AdamwState;
      const step = add(steps, 1);
      const first = combineTrees("adamw", (_p, g, m) => average(m, g, beta1), gradients, firstMoment);
      const second = combineTrees("adamw", (_p, g, v) => average(v, square(g), beta2), gradients, secondMoment);
      const rate = div(learningRate, oneMinusPower(beta1, step));
      const correction = sqrt(oneMinusPower(beta2, step));
      const shrink = weightDecay === 0 ? undefined : sub(1, mul(learningRate, weightDecay));
      const next = combineTrees(
        "adamw",
        (_path, p, m, v) => {
          const direction = div(m, add(div(sqrt(v), correction), epsilon));
          return sub(shrink === undefined ? p : mul(p, shrink), mul(direction, rate));
        },
        parameters,
        first,
        second,
      );
      return {
        parameters: next,
        state: { firstMoment: first, secondMoment: second, step } satisfies AdamwState,
      };
    },
  };
}

/**
 * 1 - beta^t as (1 + beta^t) tanh(-t log(beta) / 2): the plain difference would lose four of float32's seven digits in
 * the first steps.
 */
function oneMinusPower(beta: number, step: Tensor): Tensor {
  const exponent = mul(step, Math.log(beta));
  return mul(add(exp(exponent), 1), tanh(mul(exponent, -0.5)));
}

/** decay * mean + (1 - decay) * value. */
function average(mean: Tensor, value: Tensor, decay: number): Tensor {
  return add(mul(mean, decay), mul(value, 1 - decay));
}
