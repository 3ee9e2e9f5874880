import { type Vector, zerosLike } from "../params/vector.ts";
import type { ServerState } from "./algorithm.ts";
import { localSgd } from "./local-sgd.ts";
import { type MethodBody, vectors } from "./method.ts";
import { MODEL, uniformMean } from "./shapes.ts";

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

/** The client half of a method whose clients start from models of their own, and send the server each update. */
export function sgdFromOwnStarts(): MethodBody {
  const body = vectors({ server: { parameters: MODEL }, upload: { delta: uniformMean(MODEL) } }).method({
    wholePopulation: true,
    local: localSgd(),
    update: ({ parameters }) => ({ parameters }),
  });
  return {
    ...body,
    payloads(model) {
      const payloads = body.payloads(model);
      return { ...payloads, own: ["parameters"], upload: { delta: { layout: model, aggregation: "each" } } };
    },
    own: (state, client) => ({ parameters: startOf(state, client) }),
  };
}
