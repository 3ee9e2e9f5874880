/**
 * FedAdagrad, FedAdam and FedYogi: the averaged client change is a pseudo-gradient for an adaptive server optimizer.
 *
 * Citation: S. J. Reddi, Z. Charles, M. Zaheer, Z. Garrett, K. Rush, J. Konečný, S. Kumar, H. B. McMahan, "Adaptive
 * Federated Optimization", ICLR 2021, arXiv:2003.00295 (Algorithm 2).
 *
 * Update rule:
 *   D_i as in FedAvg, D their mean
 *   m <- b1 * m + (1 - b1) * D
 *   FedAdagrad: v <- v + D^2;  FedAdam: v <- b2 * v + (1 - b2) * D^2;  FedYogi: v <- v - (1 - b2) * D^2 * sign(v - D^2)
 *   x <- x + eta * m / (sqrt(v) + tau)
 *
 * Symbols: x -> parameters -> [d]; m -> firstMoment -> [d]; v -> secondMoment -> [d]; eta -> serverLearningRate -> [];
 *   b1 -> serverBeta1 -> []; b2 -> serverBeta2 -> []; tau -> adaptivity -> []
 * State: server {parameters [d], firstMoment [d], secondMoment [d]}; client none.
 * Wire: down d, up d.
 * Differences: no bias correction, as in the paper (some libraries add one); v starts at tau^2, or at
 *   `initialSecondMoment`; the mean is weighted as configured (the paper's pseudo-code is uniform, its experiments weigh).
 */
import * as z from "zod";
import type { Algorithm } from "./algorithm.ts";
import { localSgd } from "./local-sgd.ts";
import { broadcastParameters, combineVectors, modelExchange, zeros } from "./server.ts";

const optionsWith = (beta1: number) =>
  z.strictObject({
    serverLearningRate: z.number().positive().default(0.01).describe("server step (eta)"),
    serverBeta1: z.number().min(0).lt(1).default(beta1).describe("decay of the first moment (b1)"),
    serverBeta2: z.number().min(0).lt(1).default(0.99).describe("decay of the second moment (b2); FedAdagrad has none"),
    adaptivity: z.number().positive().default(1e-3).describe("added to the root of the second moment (tau)"),
    initialSecondMoment: z.number().min(0).optional().describe("start of the second moment; default adaptivity^2"),
  });
export const fedadamOptions = optionsWith(0.9);
export const fedyogiOptions = optionsWith(0.9);
export const fedadagradOptions = optionsWith(0).omit({ serverBeta2: true });

type FedOptSettings = Omit<z.output<typeof fedadamOptions>, "serverBeta2">;
type SecondMoment = (v: number, squared: number) => number;

function fedopt(name: string, settings: FedOptSettings, secondMomentRule: SecondMoment): Algorithm {
  const { serverLearningRate: eta, serverBeta1: b1, adaptivity: tau } = settings;
  const v0 = settings.initialSecondMoment ?? tau * tau;
  return {
    name,
    options: settings,
    exchange: (model) => modelExchange(model),
    init: (parameters) => ({
      vectors: { parameters, firstMoment: zeros(parameters), secondMoment: zeros(parameters).fill(v0) },
      scalars: {},
    }),
    client: localSgd(),
    broadcast: broadcastParameters,
    update(state, aggregate) {
      const change = aggregate["delta"]!;
      const firstMoment = combineVectors((m, d) => b1 * m + (1 - b1) * d, state.vectors["firstMoment"]!, change);
      const secondMoment = combineVectors((v, d) => secondMomentRule(v, d * d), state.vectors["secondMoment"]!, change);
      const step = combineVectors((m, v) => (eta * m) / (Math.sqrt(v) + tau), firstMoment, secondMoment);
      const parameters = combineVectors((x, s) => x + s, state.vectors.parameters, step);
      return { ...state, vectors: { parameters, firstMoment, secondMoment } };
    },
  };
}

export function fedadam(options: z.input<typeof fedadamOptions> = {}): Algorithm {
  const settings = fedadamOptions.parse(options);
  const b2 = settings.serverBeta2;
  return fedopt("fedadam", settings, (v, squared) => b2 * v + (1 - b2) * squared);
}

export function fedyogi(options: z.input<typeof fedyogiOptions> = {}): Algorithm {
  const settings = fedyogiOptions.parse(options);
  const b2 = settings.serverBeta2;
  return fedopt("fedyogi", settings, (v, squared) => v - (1 - b2) * squared * Math.sign(v - squared));
}

export function fedadagrad(options: z.input<typeof fedadagradOptions> = {}): Algorithm {
  return fedopt("fedadagrad", fedadagradOptions.parse(options), (v, squared) => v + squared);
}
