import type { Tensor } from "../graph/graph.ts";
import { constant } from "../graph/sources.ts";
import { type NamedTensors, type TensorTree, tensorLeaves } from "../graph/trace.ts";
import { broadcastTo } from "../ops/broadcast.ts";
import { greater } from "../ops/comparison.ts";
import { add, div, mul, sqrt, square, sub } from "../ops/elementwise.ts";
import { maximum, where } from "../ops/selection.ts";
import type { HostKernelSchedule } from "../program/host-kernels.ts";
import { average, oneMinusPower } from "./adamw.ts";
import { alongAxis, axisGram, type FactoredAxis, factoredAxes, identityMatrix } from "./axes.ts";
import { combineTrees, type Optimizer, requireOption, zerosLike } from "./optimizer.ts";

export interface SoapOptions {
  /** Decay of the mean of the gradient. Default 0.95. */
  readonly beta1?: number;
  /** Decay of the mean of its square in the eigenbasis. Default 0.95. */
  readonly beta2?: number;
  /** Decay of the Grams. Default 0.95. */
  readonly shampooBeta?: number;
  /** Added to the root, outside it. Default 1e-8. */
  readonly epsilon?: number;
  /** Decoupled, applied after the step. Default 0.01. */
  readonly weightDecay?: number;
  /** f, updates from one step of orthogonal iteration to the next. Default 10. */
  readonly refreshEvery?: number;
  /** Longer axes have no Gram and stay in their own coordinates. Default 10000. */
  readonly maxSize?: number;
}

/**
 * State of SOAP: the Grams as the preconditioner and their eigenbases, by "parameter/axis"; the first moment in the
 * parameters' coordinates, the second one in the bases; the number of calls (float scalar).
 */
export type SoapState = {
  readonly preconditioner: NamedTensors;
  readonly bases: NamedTensors;
  readonly firstMoment: TensorTree;
  readonly secondMoment: TensorTree;
  readonly calls: Tensor;
};

/**
 * Adam in the eigenbasis of Shampoo's factors; for a matrix G [m, n], bs = shampooBeta:
 *
 *   first call: L <- bs * L + (1 - bs) * G G^T;  R <- bs * R + (1 - bs) * G^T G;  QL, QR their eigenvectors
 *   later: t <- t + 1;  M <- b1 * M + (1 - b1) * G;  V <- b2 * V + (1 - b2) * (QL^T G QR)^2
 *     W <- W - eta * sqrt(1 - b2^t) / (1 - b1^t) * QL ((QL^T M QR) / (sqrt(V) + epsilon)) QR^T
 *     W <- W - eta * weightDecay * W;  L and R as above
 *     if t mod f = 0: sorts Q's columns by diag(Q^T L Q), V along with them;  Q <- qr(L Q).Q
 *
 * The first call changes no parameter. M lies in the parameters' coordinates, as in the paper; the released code keeps
 * it in the bases and turns it at each refresh, which is the same. V is sorted at a refresh but not turned, in both.
 * Parameters with more than two axes have a Gram for each axis. Those with one axis have none: theirs is Adam, the first
 * call left out too. A warm start replaces the Grams; moments and t begin anew and the bases follow from the first call.
 *
 * The bases come from host kernels (`refresh`); where that is not followed, they stay I and this is Adam.
 * Reference: N. Vyas et al., "SOAP: Improving and Stabilizing Shampoo using Adam", ICLR 2025, arXiv:2409.11321,
 * Algorithm 3.
 *
 * @example
 * ```ts
 * import { descend, host } from "@anabranch/engine/testing";
 * import { soap } from "@anabranch/engine";
 * const { parameters } = await descend(
 *   soap(),
 *   { w: host("float", [2, 2], [1, 0, 0, 1]) },
 *   { w: host("float", [1, 2, 2], [1, 0, 0, 1]) },
 * );
 * parameters["w"]!.shape; // => [1, 2, 2]
 * ```
 */
export function soap(options: SoapOptions = {}): Optimizer {
  const { beta1 = 0.95, beta2 = 0.95, shampooBeta = 0.95, epsilon = 1e-8, weightDecay = 0.01 } = options;
  const { refreshEvery = 10, maxSize = 10_000 } = options;
  for (const [name, decay] of Object.entries({ beta1, beta2, shampooBeta })) {
    requireOption("soap", name, decay, decay >= 0 && decay < 1, `0 <= ${name} < 1`);
  }
  requireOption("soap", "epsilon", epsilon, epsilon >= 0, "0 or more");
  requireOption("soap", "weightDecay", weightDecay, weightDecay >= 0, "0 or more");
  for (const [name, count] of Object.entries({ refreshEvery, maxSize })) {
    requireOption("soap", name, count, Number.isInteger(count) && count >= 1, "a positive integer");
  }
  const capOf = ({ length }: readonly number[]) => (length > 1 ? maxSize : 0);
  const axesOf = (parameters: TensorTree) => factoredAxes("soap", parameters, capOf);
  return {
    init(parameters, warm) {
      const axes = [...axesOf(parameters).values()].flat();
      const each = (value: (axis: FactoredAxis) => Tensor) =>
        Object.fromEntries(axes.map((axis) => [axis.name, value(axis)]));
      return {
        preconditioner: warm?.preconditioner ?? each(({ extent }) => broadcastTo(constant(0), [extent, extent])),
        bases: each(({ extent }) => identityMatrix(extent)),
        firstMoment: zerosLike(parameters),
        secondMoment: zerosLike(parameters),
        calls: constant(0),
      } satisfies SoapState;
    },
    direction(gradients, state, parameters, { learningRate }) {
      const old = state as SoapState;
      const axes = axesOf(parameters);
      const turn = (path: string, x: Tensor, way: "into" | "back") =>
        axes.get(path)!.reduce((y, { name, axis }) => alongAxis(y, old.bases[name]!, axis, way), x);
      const active = greater(old.calls, 0);
      const moment = (next: (path: string, m: Tensor, g: Tensor) => Tensor, before: TensorTree) =>
        combineTrees("soap", (path, m, g) => where(active, next(path, m, g), m), before, gradients);
      const first = moment((_path, m, g) => average(m, g, beta1), old.firstMoment);
      const second = moment((path, v, g) => average(v, square(turn(path, g, "into")), beta2), old.secondMoment);
      const t = maximum(old.calls, 1);
      const gain = div(sqrt(oneMinusPower(beta2, t)), oneMinusPower(beta1, t));
      const adapted = (path: string, p: Tensor, m: Tensor, v: Tensor) => {
        const step = mul(turn(path, div(turn(path, m, "into"), add(sqrt(v), epsilon)), "back"), gain);
        const stepped = sub(p, mul(step, learningRate));
        return where(active, weightDecay === 0 ? step : add(step, mul(stepped, weightDecay)), 0);
      };
      const direction = combineTrees("soap", adapted, parameters, first, second);
      const preconditioner = mixedGrams(old.preconditioner, gradients, [...axes.values()].flat(), shampooBeta);
      const moments = { firstMoment: first, secondMoment: second };
      return { direction, state: { preconditioner, bases: old.bases, ...moments, calls: add(old.calls, 1) } };
    },
    refresh: (parameters) => refreshOf([...axesOf(parameters as TensorTree).values()].flat(), refreshEvery),
  };
}

function refreshOf(axes: readonly FactoredAxis[], every: number): HostKernelSchedule | undefined {
  if (axes.length === 0) return undefined;
  const initial = axes.map(({ name }) => ({
    kernel: "eigenbasis" as const,
    inputs: [`preconditioner/${name}`],
    outputs: [`bases/${name}`],
    options: {},
  }));
  const later = axes.map(({ name, parameter, axis }) => ({
    kernel: "orthogonal-iteration" as const,
    inputs: [`preconditioner/${name}`, `bases/${name}`, `secondMoment/${parameter}`],
    outputs: [`bases/${name}`, `secondMoment/${parameter}`],
    options: { axis },
  }));
  return { first: 1, every, ahead: false, initial, later };
}

function mixedGrams(
  grams: NamedTensors,
  gradients: TensorTree,
  axes: readonly FactoredAxis[],
  decay: number,
): NamedTensors {
  const gradientOf = new Map(tensorLeaves(gradients).map(({ path, leaf }) => [path, leaf]));
  const mixed = axes.map(({ name, parameter, axis }) => {
    const gram = axisGram(gradientOf.get(parameter)!, axis);
    return [name, average(grams[name]!, gram, decay)] as const;
  });
  return Object.fromEntries(mixed);
}
