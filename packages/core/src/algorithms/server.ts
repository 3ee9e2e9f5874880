import { type Vector, zerosLike as zeros } from "../params/vector.ts";
import type { RoundContext } from "./algorithm.ts";

export { zeros };

/**
 * Elementwise result of vectors of one length; arithmetic in float64, rounded once to the element type.
 *
 * @example
 * ```ts
 * import { combineVectors } from "@anabranch/core";
 * combineVectors((a, b) => a - b, Float32Array.of(3, 4), Float32Array.of(1, 1)); // => [2, 3]
 * ```
 */
export function combineVectors(fn: (a: number, b: number) => number, a: Vector, b: Vector): Vector {
  const out = zeros(a);
  for (let i = 0; i < out.length; i++) out[i] = fn(a[i]!, b[i]!);
  return out;
}

/**
 * x + step * direction as a fresh vector.
 *
 * @example
 * ```ts
 * import { stepFrom } from "@anabranch/core";
 * stepFrom(Float32Array.of(1, 2), 0.5, Float32Array.of(2, 2)); // => [2, 3]
 * ```
 */
export function stepFrom(x: Vector, step: number, direction: Vector): Vector {
  return combineVectors((a, d) => a + step * d, x, direction);
}

/** The server's model and the momentum of its steps. */
type WithMomentum = { readonly parameters: Vector; readonly momentum: Vector };

/**
 * v <- beta v + delta; x <- x + step v: one step of heavy-ball descent.
 *
 * @example
 * ```ts
 * import { heavyBall } from "@anabranch/core";
 * const server = { parameters: Float32Array.of(1), momentum: Float32Array.of(2) };
 * heavyBall(server, Float32Array.of(1), 0.5, 0.1); // => { parameters: [1.2], momentum: [2] }
 * ```
 */
export function heavyBall(
  { parameters, momentum }: WithMomentum,
  delta: Vector,
  beta: number,
  step: number,
): WithMomentum {
  const next = combineVectors((v, d) => beta * v + d, momentum, delta);
  return { parameters: stepFrom(parameters, step, next), momentum: next };
}

/**
 * u <- mu u + delta; x <- x + step (delta + mu u): one Nesterov step.
 *
 * @example
 * ```ts
 * import { nesterov } from "@anabranch/core";
 * const server = { parameters: Float32Array.of(1), momentum: Float32Array.of(2) };
 * nesterov(server, Float32Array.of(1), 0.5, 0.1); // => { parameters: [1.2], momentum: [2] }
 * ```
 */
export function nesterov(
  { parameters, momentum }: WithMomentum,
  delta: Vector,
  mu: number,
  step: number,
): WithMomentum {
  const next = combineVectors((u, d) => mu * u + d, momentum, delta);
  const direction = combineVectors((d, u) => d + mu * u, delta, next);
  return { parameters: stepFrom(parameters, step, direction), momentum: next };
}

/**
 * -delta / (K eta): the mean of the gradients whose steps came to `delta`, a weighted mean of the clients' updates.
 *
 * @example
 * ```ts
 * import { layout, meanGradient } from "@anabranch/core";
 * const round = { round: 1, cohortSize: 1, population: 1, learningRate: 0.5, localSteps: 4, weightedSteps: 4 };
 * meanGradient(Float32Array.of(-2), { ...round, layout: layout([]), meanFactor: 1 }); // => [1]
 * ```
 */
export function meanGradient(delta: Vector, { weightedSteps, learningRate }: RoundContext): Vector {
  const kEta = weightedSteps * learningRate;
  return combineVectors((d) => -d / kEta, delta, delta);
}
