import { AnabranchError } from "../errors.ts";
import type { Tensor } from "../graph/graph.ts";
import { constant } from "../graph/sources.ts";
import { byPath, fromPaths, type NamedTensors, type TensorTree } from "../graph/trace.ts";
import { equal, less } from "../ops/comparison.ts";
import { cond } from "../ops/control.ts";
import { add, div, mul } from "../ops/elementwise.ts";
import { clip, maximum, where } from "../ops/selection.ts";
import { combineTrees, type Optimizer, requireOption, type StepContext, zerosLike } from "./optimizer.ts";

export interface SophiaOptions {
  /** Decay of the mean of the gradient. Default 0.96. */
  readonly beta1?: number;
  /** Decay of the mean of the curvature. Default 0.99. */
  readonly beta2?: number;
  /** gamma: coordinates of |m| > gamma h are clipped. Paper: 0.05 (default) for Gauss-Newton-Bartlett, 0.01 for Hutchinson. */
  readonly clipRatio?: number;
  /** k0, steps from one estimate of the curvature to the next. Default 10. */
  readonly refreshEvery?: number;
  /** Decoupled. Default 0. */
  readonly weightDecay?: number;
  /** Smallest divisor. Default 1e-12. */
  readonly epsilon?: number;
}

/** State of Sophia: h as the preconditioner, the mean of the gradient, and the steps since h was refreshed (float scalar). */
export type SophiaState = {
  readonly preconditioner: NamedTensors;
  readonly momentum: TensorTree;
  readonly age: Tensor;
};

/**
 * Momentum divided by a diagonal estimate of the curvature, with every coordinate's step clipped:
 *
 *   m <- b1 * m + (1 - b1) * g;  in steps 1, 1 + k0, 1 + 2 k0, ...: h <- b2 * h + (1 - b2) * curvature
 *   p <- p - eta * weightDecay * p - eta * clip(m / max(gamma * h, epsilon), -1, 1)
 *
 * There is no bias correction. The phase is the paper's (t mod k0 = 1), counted from `init`, so the first step of a round
 * is the first to refresh; the released code refreshes after steps k0, 2 k0, ... Its divisor rho * bs * h has rho = gamma
 * and an h without the factor bs = B of the estimator, which `gaussNewtonBartlett` has: the same product.
 * A warm start replaces h; m and the phase begin anew. `context.curvature` gives the estimate, and is computed only in the
 * steps that refresh.
 * Reference: H. Liu, Z. Li, D. Hall, P. Liang, T. Ma, "Sophia: A Scalable Stochastic Second-order Optimizer for Language
 * Model Pre-training", ICLR 2024, arXiv:2305.14342, Algorithm 3.
 *
 * @example
 * ```ts
 * import { constant, sophia, takeStep } from "@anabranch/engine";
 * const optimizer = sophia();
 * const p = { w: constant([1], [1]) };
 * const context = { learningRate: 0.1, curvature: () => ({ w: constant([4], [1]) }) };
 * const next = takeStep(optimizer, { w: constant([2], [1]) }, optimizer.init(p), p, context);
 * next.parameters.w.shape; // => [1]
 * ```
 */
export function sophia(options: SophiaOptions = {}): Optimizer {
  const { beta1 = 0.96, beta2 = 0.99, clipRatio = 0.05, refreshEvery = 10, weightDecay = 0, epsilon = 1e-12 } = options;
  requireOption("sophia", "beta1", beta1, beta1 >= 0 && beta1 < 1, "0 <= beta1 < 1");
  requireOption("sophia", "beta2", beta2, beta2 >= 0 && beta2 < 1, "0 <= beta2 < 1");
  requireOption("sophia", "clipRatio", clipRatio, clipRatio > 0, "more than 0");
  const whole = Number.isInteger(refreshEvery) && refreshEvery >= 1;
  requireOption("sophia", "refreshEvery", refreshEvery, whole, "a positive integer");
  requireOption("sophia", "weightDecay", weightDecay, weightDecay >= 0, "0 or more");
  requireOption("sophia", "epsilon", epsilon, epsilon > 0, "more than 0");
  const average = (decay: number) => (_path: string, mean: Tensor, value: Tensor) =>
    add(mul(mean, decay), mul(value, 1 - decay));
  return {
    init: (parameters, warm) =>
      ({
        preconditioner: warm?.preconditioner ?? byPath(zerosLike(parameters)),
        momentum: zerosLike(parameters),
        age: constant(0),
      }) satisfies SophiaState,
    direction(gradients, state, parameters, context) {
      const { preconditioner, age, ...old } = state as SophiaState;
      const previous = fromPaths(parameters, preconditioner);
      const momentum = combineTrees("sophia", (path, g, m) => average(beta1)(path, m, g), gradients, old.momentum);
      const refreshed = () => combineTrees("sophia", average(beta2), previous, requireCurvature(context));
      const curvature = refreshEvery === 1 ? refreshed() : cond(equal(age, 0), refreshed, () => previous);
      const direction = combineTrees(
        "sophia",
        (_path, p, m, h) => {
          const step = clip(div(m, maximum(mul(h, clipRatio), epsilon)), -1, 1);
          return weightDecay === 0 ? step : add(step, mul(p, weightDecay));
        },
        parameters,
        momentum,
        curvature,
      );
      const next = add(age, 1);
      return {
        direction,
        state: {
          preconditioner: byPath(curvature),
          momentum,
          age: where(less(next, refreshEvery), next, 0),
        } satisfies SophiaState,
      };
    },
  };
}

function requireCurvature(context: StepContext): TensorTree {
  if (context.curvature !== undefined) return context.curvature();
  throw new AnabranchError({
    code: "engine/no-curvature",
    message: "sophia needs an estimate of the curvature",
    where: "sophia",
    expected: "context.curvature, e.g. by hutchinson or gaussNewtonBartlett",
    advice: "Give the step such a function.",
  });
}
