/**
 * Ferret: clients train as in FedAvg, by gradients, and send the coordinates of the change of their model along random
 * directions that the server draws too, block by block. Blocks that changed more get more directions.
 *
 * Citation: Y. Shu, W. Hu, S.-K. Ng, B. K. H. Low, F. R. Yu, "Ferret: Federated Full-Parameter Tuning at Scale for Large
 * Language Models", ICML 2025, arXiv:2409.06277.
 *
 * Update rule:
 *   D_i = y_i - x as in FedAvg, in blocks D_il of d_l numbers
 *   client: K_il = max(2, floor(|D_il| / max_l |D_il| K)) of the K directions v_lj of the round, at random
 *     c_lj = <D_il, v_lj> / (rho_l K_il), 0 for the others
 *   everyone: x <- x + eta_s * sum_j (mean of c_lj over the cohort) v_lj
 *
 * Symbols: x -> parameters -> [d]; K -> coordinates -> []; eta_s -> serverLearningRate -> []; v_lj -> directions,
 *   directionSeed -> [d_l]; rho_l -> variant -> []
 * State: server {parameters [d], log}; client {rounds []}.
 * Wire: down the rounds of the log that the client missed (L K + 2 for each), or d where that is less, up at most L K and
 *   a bit for each, in L blocks.
 * Differences: entries of directions are uniform in [-1, 1] / sqrt(d_l), where the paper draws truncated normal numbers, which
 *   are uniform to 1 / (6 d_l); rho_l = 1 / (3 d_l) follows. variant = "code" scales as the released code, 3 times less, and
 *   directions = "rademacher" has signs / sqrt(d_l). The server has no momentum. Clients weigh the same.
 */
import * as z from "zod";
import { type Layout, layout, zerosLike } from "../params/index.ts";
import { applyNewest, extendedLog, logFrom, mergedBlocks, type Projection } from "../seeded/index.ts";
import type { ClientHalf, ParameterTensors, TracedVectors } from "./algorithm.ts";
import { defineMethod } from "./define-method.ts";
import { localSgd, modelDelta } from "./local-sgd.ts";
import type { MethodBody } from "./method.ts";
import { keptAfter, ROUNDS, received, roundsLayout, roundsVector } from "./zeroth-order.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { ferret } from "@anabranch/core";
 * ferret({ coordinates: 128 }).options["coordinates"]; // => 128
 * ```
 */
export const ferret = defineMethod({
  name: "ferret",
  options: z.strictObject({
    coordinates: z.int().min(2).max(65_536).default(256).describe("directions of a block (K)"),
    serverLearningRate: z
      .number()
      .positive()
      .default(0.3)
      .describe("server step on what the coordinates stand for (eta_s)"),
    variant: z
      .enum(["unbiased", "code"])
      .default("unbiased")
      .describe('scale of the coordinates; "code": 3 times less'),
    directions: z.enum(["uniform", "rademacher"]).default("uniform").describe("how entries of directions are drawn"),
    directionSeed: z.int().min(0).default(1).describe("public seed of the directions"),
  }),
  symbols: { K: "coordinates", eta_s: "serverLearningRate" },
  build: ({ coordinates: count, directions: family, directionSeed: seed, ...options }) =>
    projectedAveraging({ ...options, count, directions: { family, seed } }),
});

/** Ferret with any directions and blocks. */
export interface ProjectedAveraging extends Pick<Projection, "count" | "variant" | "directions" | "orders"> {
  readonly serverLearningRate: number;
  /** Lengths of the blocks; default: those of `mergedBlocks`. */
  readonly blocks?: readonly number[];
}

export function projectedAveraging(given: ProjectedAveraging): MethodBody {
  const { serverLearningRate, count, variant, directions, orders } = given;
  const blocksOf = (model: Layout) => given.blocks ?? mergedBlocks(model);
  return {
    payloads(model) {
      const blocks = blocksOf(model);
      const shape = [blocks.length, count];
      return {
        broadcast: { parameters: model, [ROUNDS]: roundsLayout },
        upload: {
          [COORDINATES]: {
            layout: layout([{ name: COORDINATES, shape, role: "vector", block: COORDINATES }]),
            aggregation: "uniformMean",
          },
        },
        clientState: { [ROUNDS]: roundsLayout },
        replay: { kind: "blocks", directions, blocks, count },
        projection: { from: DELTA, into: COORDINATES, directions, blocks, count, variant, ...(orders && { orders }) },
      };
    },
    compression: { up: [{ name: "non-zeros" }], vectors: [COORDINATES] },
    client: localSgd<Down, TracedVectors, TracedVectors>({
      result: (parameters, local) => ({ update: { [DELTA]: modelDelta(parameters, local) }, state: received(local) }),
    }) as unknown as ClientHalf,
    init: (parameters) => ({ vectors: { parameters, log: zerosLike(parameters, 0) }, scalars: {} }),
    broadcast: ({ vectors: { parameters, log } }, _scalars, round) => ({
      [ROUNDS]: roundsVector(parameters, round),
      log: log!,
    }),
    messageTo({ vectors: { parameters, log } }, { vectors }, kept) {
      const { [ROUNDS]: behind } = vectors;
      const rounds = kept?.[ROUNDS]?.[0];
      const missed = rounds === undefined ? undefined : logFrom(log!, rounds);
      const sent = missed === undefined || missed.length > parameters.length ? { parameters } : { log: missed };
      return { vectors: { [ROUNDS]: behind!, ...sent } };
    },
    keptAfter,
    update(state, { [COORDINATES]: mean }, { round, layout: model }) {
      const { parameters, log } = state.vectors;
      const longer = extendedLog(log!, round - 1, [serverLearningRate, ...mean!]);
      const replay = { kind: "blocks", directions, blocks: blocksOf(model), count } as const;
      return {
        ...state,
        vectors: { ...state.vectors, parameters: applyNewest(replay, parameters, longer, log!), log: longer },
      };
    },
  };
}

type Down = { readonly parameters: ParameterTensors } & TracedVectors;

/** Names of what is trained and of what goes up in its place. */
const [DELTA, COORDINATES] = ["delta", "coordinates"];
