/**
 * Just One Byte (per gradient): clients measure slopes of their loss along random directions of their own, which all others
 * draw too, and send one byte for each. Everyone has the model as its start and the log of these bytes.
 *
 * Citation: E. Zelikman, Q. Huang, P. Liang, N. Haber, N. D. Goodman, "Just One Byte (per gradient): A Note on Low-Bandwidth
 * Decentralized Language Model Finetuning Using Shared Randomness", 2023, arXiv:2306.10015.
 *
 * Update rule:
 *   client k, J times: z of (round, k, j);  g = (F(x + eps z) - F(x - eps z)) / (2 eps);  sends q(g)
 *   everyone: x <- x - eta / n * sum of q(g) z over the n slopes of the round;  "sqrt": eta / sqrt(n)
 *
 * Symbols: x -> parameters -> [d]; z -> directions, directionSeed -> [d]; eps -> perturbation -> []; J ->
 *   training.localSteps -> []; eta -> training.learningRate -> []; q -> quantize -> []
 * State: server {parameters [d], log}; client {rounds []}.
 * Wire: down the rounds of the log that the client missed (J + 4 bytes for each of their clients), or d where that is less,
 *   up J / 4 (one byte for each slope).
 * Differences: a server keeps the log and gives every client what it lacks, where the paper's machines read from each other. A
 *   client that joins is given the model, one that was away the log. Each slope has a mini-batch of its own. The paper's code
 *   sends floats and scales by 1 / sqrt(n); its byte would need 9 bits.
 */
import * as z from "zod";
import { toByte } from "../compression/index.ts";
import { type Layout, layout, zerosLike } from "../params/index.ts";
import { applyNewest, type Directions, extendedLog, logFrom, packProbes, probeRecord } from "../seeded/index.ts";
import type { PayloadSettings } from "./algorithm.ts";
import { defineMethod } from "./define-method.ts";
import { directionOptions } from "./fedkseed.ts";
import type { MethodBody } from "./method.ts";
import {
  keptAfter,
  ROUNDS,
  received,
  requireLocalSteps,
  roundsLayout,
  roundsVector,
  zerothOrderClient,
} from "./zeroth-order.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { onebyte } from "@anabranch/core";
 * onebyte({ quantize: false }).options["quantize"]; // => false
 * ```
 */
export const onebyte = defineMethod({
  name: "onebyte",
  options: z.strictObject({
    perturbation: z.number().positive().default(1e-3).describe("distance at which losses are compared (eps)"),
    normalization: z.enum(["mean", "sqrt"]).default("mean").describe("slopes are divided by their number or its root"),
    quantize: z.boolean().default(true).describe("send a byte for each slope (false: a float)"),
    ...directionOptions,
  }),
  symbols: { eps: "perturbation" },
  build: ({ directions: family, directionSeed: seed, ...options }) =>
    loggedProbes({ ...options, directions: { family, seed } }),
});

/** Just One Byte with any directions. */
export interface LoggedProbes {
  readonly perturbation: number;
  readonly normalization: "mean" | "sqrt";
  readonly quantize: boolean;
  readonly directions: Directions;
}

export function loggedProbes({ perturbation, normalization, quantize, directions }: LoggedProbes): MethodBody {
  const replayOf = (probes: number) => ({ kind: "probes", directions, probes, bytes: quantize }) as const;
  return {
    payloads(model: Layout, settings: PayloadSettings = {}) {
      const probes = requireLocalSteps("onebyte", settings);
      const slopes = layout([{ name: SLOPES, shape: [probes], role: "vector", block: SLOPES }]);
      return {
        broadcast: { parameters: model, [ROUNDS]: roundsLayout },
        upload: { [SLOPES]: { layout: slopes, aggregation: "each" } },
        clientState: { [ROUNDS]: roundsLayout },
        replay: replayOf(probes),
      };
    },
    ...(quantize ? { compression: { up: [{ name: "one-byte" }], vectors: [SLOPES] } } : {}),
    client: zerothOrderClient({
      draw: { kind: "direction", directions },
      perturbation,
      walks: false,
      upload: (slopes) => ({ [SLOPES]: { [SLOPES]: slopes } }),
      keep: received,
    }),
    init: (parameters) => ({ vectors: { parameters, log: zerosLike(parameters, 0) }, scalars: { probes: 1 } }),
    broadcast: ({ vectors: { parameters } }, _scalars, round) => ({ [ROUNDS]: roundsVector(parameters, round) }),
    encoded: ({ vectors: { log }, scalars }) => ({ log: packProbes(replayOf(scalars["probes"]!), log!) }),
    messageTo({ vectors: { parameters, log }, scalars }, { vectors }, kept) {
      const whole = { vectors: { ...vectors, parameters } };
      const rounds = kept?.[ROUNDS]?.[0];
      if (rounds === undefined) return whole;
      const missed = packProbes(replayOf(scalars["probes"]!), logFrom(log!, rounds));
      return missed.length > parameters.byteLength ? whole : { vectors, encoded: { log: missed } };
    },
    keptAfter,
    update(state, { [SLOPES]: slopes }, { round, learningRate, clients = [] }) {
      const { parameters, log } = state.vectors;
      const n = slopes!.length;
      const probes = n / clients.length;
      const factor = learningRate / (normalization === "mean" ? n : Math.sqrt(n));
      const values = quantize ? Array.from(slopes!, toByte) : slopes!;
      const longer = extendedLog(log!, round - 1, probeRecord(factor, clients, values));
      const next = applyNewest(replayOf(probes), parameters, longer, log!);
      return {
        vectors: { ...state.vectors, parameters: next, log: longer },
        scalars: { ...state.scalars, probes },
      };
    },
  };
}

/** Name of what goes up. */
const SLOPES = "slopes";
