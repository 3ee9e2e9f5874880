import type { Tensor } from "../graph/graph.ts";
import { type NamedTensors, type TensorTree, tensorLeaves } from "../graph/trace.ts";
import { add, mul } from "../ops/elementwise.ts";
import { alongAxis, axisGram, type FactoredAxis, factoredAxes, identityMatrix } from "./axes.ts";
import { combineTrees, type Optimizer, requireOption } from "./optimizer.ts";

export interface ShampooOptions {
  /** Start of every factor: epsilon * I. More than 0. Default 1e-4. */
  readonly epsilon?: number;
  /** f, steps from one renewal of the roots to the next. Default 10. */
  readonly refreshEvery?: number;
  /** Decoupled. Default 0. */
  readonly weightDecay?: number;
  /** Longer axes of parameters with two axes or more have no factor. Default 10000. */
  readonly maxSize?: number;
  /** Longer parameters of one axis have no factor: theirs is the full matrix of AdaGrad, d^2 numbers. Default 256. */
  readonly maxVectorSize?: number;
}

/** State of Shampoo: the factors as the preconditioner, by "parameter/axis", and their inverse roots by the same names. */
export type ShampooState = { readonly preconditioner: NamedTensors; readonly roots: NamedTensors };

/**
 * AdaGrad with one factor for each axis of a parameter; for a matrix G [m, n]:
 *
 *   L <- L + G G^T;  R <- R + G^T G;  W <- W - eta * (L^(-1/4) G R^(-1/4) + weightDecay * W)
 *
 * and for q axes with a factor the power -1 / (2 q) of each. Factors start at epsilon * I and take the raw gradient; axes
 * without a factor stay as they are, and a parameter without any takes plain gradient steps. There is no momentum and no
 * grafting. A warm start replaces the factors.
 *
 * The roots come from host kernels (`refresh`), in steps 1, 1 + f, 1 + 2 f, ...: of factors that have that step's
 * gradient already, as in the paper, which is why those steps are computed twice. Where `refresh` is not followed, the
 * roots stay I.
 * Reference: V. Gupta, T. Koren, Y. Singer, "Shampoo: Preconditioned Stochastic Tensor Optimization", ICML 2018,
 * arXiv:1802.09568, Algorithms 1 and 2. A widespread implementation takes -1 / q, and the second factor from the gradient
 * that the first one has preconditioned; this one does not.
 *
 * @example
 * ```ts
 * import { descend, host } from "@anabranch/engine/testing";
 * import { shampoo } from "@anabranch/engine";
 * const { parameters } = await descend(
 *   shampoo(),
 *   { w: host("float", [2, 2], [1, 0, 0, 1]) },
 *   { w: host("float", [1, 2, 2], [1, 0, 0, 1]) },
 * );
 * parameters["w"]!.shape; // => [1, 2, 2]
 * ```
 */
export function shampoo(options: ShampooOptions = {}): Optimizer {
  const { epsilon = 1e-4, refreshEvery = 10, weightDecay = 0, maxSize = 10_000, maxVectorSize = 256 } = options;
  const whole = (value: number) => Number.isInteger(value) && value >= 1;
  requireOption("shampoo", "epsilon", epsilon, epsilon > 0, "more than 0");
  requireOption("shampoo", "refreshEvery", refreshEvery, whole(refreshEvery), "a positive integer");
  requireOption("shampoo", "weightDecay", weightDecay, weightDecay >= 0, "0 or more");
  requireOption("shampoo", "maxSize", maxSize, whole(maxSize), "a positive integer");
  requireOption("shampoo", "maxVectorSize", maxVectorSize, whole(maxVectorSize), "a positive integer");
  const capOf = ({ length }: readonly number[]) => (length === 1 ? maxVectorSize : maxSize);
  return {
    init(parameters, warm) {
      const axes = [...factoredAxes("shampoo", parameters, capOf).values()].flat();
      const each = (value: (axis: FactoredAxis) => Tensor) =>
        Object.fromEntries(axes.map((axis) => [axis.name, value(axis)]));
      return {
        preconditioner: warm?.preconditioner ?? each(({ extent }) => mul(identityMatrix(extent), epsilon)),
        roots: each(({ extent }) => identityMatrix(extent)),
      } satisfies ShampooState;
    },
    direction(gradients, state, parameters) {
      const { preconditioner, roots } = state as ShampooState;
      const axes = factoredAxes("shampoo", parameters, capOf);
      const gradientOf = new Map(tensorLeaves(gradients as TensorTree).map(({ path, leaf }) => [path, leaf]));
      const direction = combineTrees(
        "shampoo",
        (path, p, g) => {
          const own = axes.get(path)!.reduce((x, { name, axis }) => alongAxis(x, roots[name]!, axis, "back"), g);
          return weightDecay === 0 ? own : add(own, mul(p, weightDecay));
        },
        parameters,
        gradients,
      );
      const factors = [...axes.values()].flat().map(({ name, parameter, axis }) => {
        const gram = axisGram(gradientOf.get(parameter)!, axis);
        return [name, add(preconditioner[name]!, gram)] as const;
      });
      return { direction, state: { preconditioner: Object.fromEntries(factors), roots } };
    },
    refresh(parameters) {
      const axes = [...factoredAxes("shampoo", parameters, capOf).values()];
      const calls = axes.flatMap((own) =>
        own.map(({ name }) => ({
          kernel: "inverse-root" as const,
          inputs: [`preconditioner/${name}`],
          outputs: [`roots/${name}`],
          options: { order: 2 * own.length, floor: epsilon },
        })),
      );
      if (calls.length === 0) return undefined;
      return { first: 0, every: refreshEvery, ahead: true, initial: calls, later: calls };
    },
  };
}
