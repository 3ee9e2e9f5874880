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
import { defineMethod } from "./define-method.ts";
import { localSgd } from "./local-sgd.ts";
import { type MethodBody, vectors } from "./method.ts";
import { combineVectors, zeros } from "./server.ts";
import { MODEL, weightedMean } from "./shapes.ts";

const optionsWith = (beta1: number) =>
  z.strictObject({
    serverLearningRate: z.number().positive().default(0.01).describe("server step (eta)"),
    serverBeta1: z.number().min(0).lt(1).default(beta1).describe("decay of the first moment (b1)"),
    serverBeta2: z.number().min(0).lt(1).default(0.99).describe("decay of the second moment (b2); FedAdagrad has none"),
    adaptivity: z.number().positive().default(1e-3).describe("added to the root of the second moment (tau)"),
    initialSecondMoment: z.number().min(0).optional().describe("start of the second moment; default adaptivity^2"),
  });

const symbols = { eta: "serverLearningRate", b1: "serverBeta1", tau: "adaptivity" } as const;

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedadagrad } from "@anabranch/core";
 * fedadagrad.definition.name; // => "fedadagrad"
 * ```
 */
export const fedadagrad = defineMethod({
  name: "fedadagrad",
  file: "fedopt.ts",
  options: optionsWith(0).omit({ serverBeta2: true }),
  symbols,
  build: (options) => fedopt(options, (v, squared) => v + squared),
});

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedadam } from "@anabranch/core";
 * fedadam.definition.name; // => "fedadam"
 * ```
 */
export const fedadam = defineMethod({
  name: "fedadam",
  file: "fedopt.ts",
  options: optionsWith(0.9),
  symbols: { ...symbols, b2: "serverBeta2" },
  build: ({ serverBeta2: b2, ...options }) => fedopt(options, (v, squared) => b2 * v + (1 - b2) * squared),
});

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedyogi } from "@anabranch/core";
 * fedyogi.definition.name; // => "fedyogi"
 * ```
 */
export const fedyogi = defineMethod({
  name: "fedyogi",
  file: "fedopt.ts",
  options: optionsWith(0.9),
  symbols: { ...symbols, b2: "serverBeta2" },
  build: ({ serverBeta2: b2, ...options }) =>
    fedopt(options, (v, squared) => v - (1 - b2) * squared * Math.sign(v - squared)),
});

type FedOptOptions = Omit<z.output<ReturnType<typeof optionsWith>>, "serverBeta2">;

/** The three methods, which differ in v <- rule(v, D^2). */
function fedopt(options: FedOptOptions, secondMomentRule: (v: number, squared: number) => number): MethodBody {
  const { serverLearningRate: eta, serverBeta1: b1, adaptivity: tau, initialSecondMoment = tau * tau } = options;
  return vectors({
    server: { parameters: MODEL, firstMoment: MODEL, secondMoment: MODEL },
    broadcast: ["parameters"],
    upload: { delta: weightedMean(MODEL) },
  }).method({
    start: (parameters) => ({ secondMoment: zeros(parameters).fill(initialSecondMoment) }),
    local: localSgd(),
    update(server, { delta }) {
      const firstMoment = combineVectors((m, d) => b1 * m + (1 - b1) * d, server.firstMoment, delta);
      const secondMoment = combineVectors((v, d) => secondMomentRule(v, d * d), server.secondMoment, delta);
      const step = combineVectors((m, v) => (eta * m) / (Math.sqrt(v) + tau), firstMoment, secondMoment);
      const parameters = combineVectors((x, s) => x + s, server.parameters, step);
      return { parameters, firstMoment, secondMoment };
    },
  });
}
