import { type Layout, layout } from "../params/layout.ts";
import { type Vector, zerosLike as zeros } from "../params/vector.ts";
import type { Aggregation, Exchange, ServerState } from "./algorithm.ts";

export { zeros };

/** The exchange of most methods: the model down, one model-sized `delta` up, no client state. */
export function modelExchange(model: Layout, aggregation: Aggregation = "weightedMean"): Exchange {
  return { down: { parameters: model }, up: { delta: { layout: model, aggregation } }, client: {} };
}

/** Broadcasts the model alone. */
export function broadcastParameters(state: ServerState): Readonly<Record<string, Vector>> {
  return { parameters: state.vectors.parameters };
}

/** Elementwise result of vectors of one length; arithmetic in float64, rounded once to the element type. */
export function combineVectors(fn: (a: number, b: number) => number, a: Vector, b: Vector): Vector {
  const out = zeros(a);
  for (let i = 0; i < out.length; i++) out[i] = fn(a[i]!, b[i]!);
  return out;
}

/** x + step * direction as a fresh vector. */
export function stepFrom(x: Vector, step: number, direction: Vector): Vector {
  return combineVectors((a, d) => a + step * d, x, direction);
}

/** v <- beta v + delta; x <- x + step v: the server's `parameters` and `momentum` after one step of heavy-ball descent. */
export function heavyBall(
  { vectors }: ServerState,
  delta: Vector,
  beta: number,
  step: number,
): { readonly parameters: Vector; readonly momentum: Vector } {
  const momentum = combineVectors((v, d) => beta * v + d, vectors["momentum"]!, delta);
  return { parameters: stepFrom(vectors.parameters, step, momentum), momentum };
}

/** u <- mu u + delta; x <- x + step (delta + mu u): the server's `parameters` and `momentum` after one Nesterov step. */
export function nesterov(
  { vectors }: ServerState,
  delta: Vector,
  mu: number,
  step: number,
): { readonly parameters: Vector; readonly momentum: Vector } {
  const momentum = combineVectors((u, d) => mu * u + d, vectors["momentum"]!, delta);
  const direction = combineVectors((d, u) => d + mu * u, delta, momentum);
  return { parameters: stepFrom(vectors.parameters, step, direction), momentum };
}

/** The layout of a single number that travels as a vector of its own. */
export function scalarLayout(name: string): Layout {
  return layout([{ name, shape: [], role: "vector", block: name }]);
}
