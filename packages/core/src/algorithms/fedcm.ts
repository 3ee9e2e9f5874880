/**
 * FedCM: client-level momentum; every local step is pulled towards the last global direction, and clients keep no state.
 *
 * Citation: J. Xu, S. Wang, L. Wang, A. C.-C. Yao, "FedCM: Federated Learning with Client-level Momentum", 2021,
 * arXiv:2106.10874.
 *
 * Update rule:
 *   K times: y <- y - eta * (alpha * g_i(y) + (1 - alpha) * c + wd * y);  D_i = y - x
 *   c <- -Dbar / (K eta);  x <- x + eta_g * Dbar
 *
 * Symbols: x -> parameters -> [d]; c -> direction (gradient-signed) -> [d]; alpha -> gradientShare -> [];
 *   eta_g -> serverLearningRate -> []; K -> mean local steps of the round, weighted as the updates -> []
 * State: server {parameters [d], direction [d]}; client none.
 * Wire: down 2d, up d.
 * Differences: none; c is replaced fully each round (an early script of others moves it by a fifth). c = 0 in the first
 *   round, so its steps are shrunk by alpha, as in the paper. Local momentum is refused: c, drawn out by it, would grow.
 */
import { add, mul } from "@anabranch/engine";
import * as z from "zod";
import type { Algorithm, ClientHalf, ParameterTensors } from "./algorithm.ts";
import { requireNoMomentum } from "./local-optimizer.ts";
import { localSgd } from "./local-sgd.ts";
import { combine } from "./parameter-tensors.ts";
import { combineVectors, stepFrom, zeros } from "./server.ts";

export const fedcmOptions = z.strictObject({
  gradientShare: z.number().gt(0).max(1).default(0.1).describe("share of the local gradient in a step (alpha)"),
  serverLearningRate: z.number().positive().default(1).describe("server step on the averaged update"),
});

export function fedcm(options: z.input<typeof fedcmOptions> = {}): Algorithm {
  const settings = fedcmOptions.parse(options);
  const client = localSgd({
    direction: (g, _y, local) => mixed(g, local.broadcast["direction"]!, settings.gradientShare),
  });
  return clientMomentum("fedcm", settings, settings.serverLearningRate, client);
}

/** alpha * g + (1 - alpha) * c */
export function mixed(gradients: ParameterTensors, direction: ParameterTensors, alpha: number): ParameterTensors {
  return combine((g, c) => add(mul(g, alpha), mul(c, 1 - alpha)), gradients, direction);
}

/** The methods that send the last global direction down and mix it into local steps without momentum of their own. */
export function clientMomentum(
  name: string,
  options: Readonly<Record<string, unknown>>,
  serverLearningRate: number,
  client: ClientHalf,
): Algorithm {
  return {
    name,
    options,
    countsSteps: true,
    exchange: (model) => ({
      down: { parameters: model, direction: model },
      up: { delta: { layout: model, aggregation: "weightedMean" } },
      client: {},
    }),
    init: (parameters) => ({ vectors: { parameters, direction: zeros(parameters) }, scalars: {} }),
    client: { ...client, begin: (local, run) => client.begin(local, requireNoMomentum(run)) },
    broadcast: (state) => ({ parameters: state.vectors.parameters, direction: state.vectors["direction"]! }),
    update(state, aggregate, { learningRate, weightedSteps }) {
      const delta = aggregate["delta"]!;
      const direction = combineVectors((d) => -d / (weightedSteps * learningRate), delta, delta);
      return {
        ...state,
        vectors: { parameters: stepFrom(state.vectors.parameters, serverLearningRate, delta), direction },
      };
    },
  };
}
