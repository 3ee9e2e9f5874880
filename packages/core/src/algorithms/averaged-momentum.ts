import * as z from "zod";
import { localSgd } from "./local-sgd.ts";
import { type MethodBody, vectors } from "./method.ts";
import { heavyBall } from "./server.ts";
import { MODEL, weightedMean } from "./shapes.ts";

/** Options of a server that takes heavy-ball steps; `beta`: the default of its factor. */
export function momentumOptions(beta: number) {
  return z.strictObject({
    serverMomentum: z.number().min(0).lt(1).default(beta).describe("heavy-ball factor of the server (beta)"),
    serverLearningRate: z.number().positive().default(1).describe("server step on the momentum"),
  });
}

/** Mean of the clients' changes to the model, and a heavy-ball step of the server along it; `buffer`: of asynchronous rounds. */
export function averagedMomentum(
  { serverMomentum, serverLearningRate }: z.output<ReturnType<typeof momentumOptions>>,
  asynchronous: { readonly buffer?: number } = {},
): MethodBody {
  return vectors({
    server: { parameters: MODEL, momentum: MODEL },
    broadcast: ["parameters"],
    upload: { delta: weightedMean(MODEL) },
  }).method({
    ...asynchronous,
    local: localSgd(),
    update: (server, { delta }) => heavyBall(server, delta, serverMomentum, serverLearningRate),
  });
}
