import { type Vector, zerosLike } from "../params/vector.ts";
import type { ServerState } from "./algorithm.ts";

/** Name of the server's vector with what clients start from, [clients, d]; absent before the first round. */
export const STARTS = "starts";

/** What a client begins its next training with, as a view [d]. */
export function startOf({ vectors }: ServerState, client: number): Vector {
  const { parameters } = vectors;
  const starts = vectors[STARTS];
  return starts === undefined
    ? parameters
    : starts.subarray(client * parameters.length, (client + 1) * parameters.length);
}

/** A copy of what all clients begin with, [clients, d]. */
export function startsOf(state: ServerState, population: number): Vector {
  const { parameters } = state.vectors;
  const starts = zerosLike(parameters, population * parameters.length);
  for (let client = 0; client < population; client++) starts.set(startOf(state, client), client * parameters.length);
  return starts;
}
