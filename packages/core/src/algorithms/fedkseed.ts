/**
 * FedKSeed: clients descend along K shared random directions by differences of losses and send, for each step, the number of
 * its direction and one slope. The model is its start and K coefficients, whatever its size.
 *
 * Citation: Z. Qin, D. Chen, B. Qian, B. Ding, Y. Li, S. Deng, "Federated Full-Parameter Tuning of Billion-Sized Language
 * Models with Communication Cost under 18 Kilobytes", ICML 2024, arXiv:2312.06353.
 *
 * Update rule:
 *   w <- w_0 - sum_j a_j z_j, at clients and server alike
 *   client, tau times: draws j;  g = (F(w + eps z_j) - F(w - eps z_j)) / (2 eps);  w <- w - eta g z_j;  sends (j, g)
 *   server: a_j <- a_j + eta / m * sum of the g sent for j, over the m clients of the cohort
 *   pro: A_j = mean of min(|g|, 1000) over 0 and all g ever sent for j;  P(j) = softmax((A - min A) / (max A - min A))
 *
 * Symbols: w -> parameters -> [d]; K -> seeds -> []; z_j -> directions, directionSeed -> [K, d]; eps -> perturbation -> [];
 *   a -> coefficients -> [K]; tau -> training.localSteps -> []; eta -> training.learningRate -> []
 * State: server {parameters [d], initial [d], coefficients [K]; pro: amplitudes [K], counts [K]}; client {started []}.
 * Wire: down K (pro: 2 K), and d once for each client, up 1.5 tau (2 bytes and 4 for each step).
 * Differences: directions are signs -1 and 1 by default, where the paper draws normal numbers: these have the same bits on
 *   every machine, the covariance is the same, and the variance is lower. Coefficients hold eta g and not g, so that the
 *   learning rate may change by round. Clients weigh the same. The paper skips slopes that are not finite; here such a
 *   client fails.
 */
import { add, mul } from "@anabranch/engine";
import * as z from "zod";
import { entryView, type Layout, layout, type Vector, zerosLike } from "../params/index.ts";
import { type Directions, poolModel } from "../seeded/index.ts";
import type { PayloadSettings, ServerState } from "./algorithm.ts";
import { defineMethod } from "./define-method.ts";
import type { MethodBody } from "./method.ts";
import { requireLocalSteps, zerothOrderClient } from "./zeroth-order.ts";

/** Where the directions come from, for methods that draw them. */
export const directionOptions = {
  directions: z
    .enum(["rademacher", "binomial"])
    .default("rademacher")
    .describe('"rademacher" (signs) or "binomial" (nearly normal numbers)'),
  directionSeed: z.int().min(0).default(1).describe("public seed of the directions"),
};

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedkseed } from "@anabranch/core";
 * fedkseed({ seeds: 1024 }).options["seeds"]; // => 1024
 * ```
 */
export const fedkseed = defineMethod({
  name: "fedkseed",
  options: z.strictObject({
    seeds: z
      .int()
      .min(1)
      .max(2 ** 24)
      .default(4096)
      .describe("directions that all clients share (K)"),
    perturbation: z.number().positive().default(5e-4).describe("distance at which losses are compared (eps)"),
    pro: z.boolean().default(false).describe("pick directions with large slopes more often (FedKSeed-Pro)"),
    ...directionOptions,
  }),
  symbols: { K: "seeds", eps: "perturbation" },
  build: ({ directions: family, directionSeed: seed, ...options }) =>
    seededWalk({ ...options, directions: { family, seed } }),
});

/** FedKSeed with any directions. */
export interface SeededWalk {
  /** K */
  readonly seeds: number;
  readonly perturbation: number;
  readonly pro: boolean;
  readonly directions: Directions;
  /** Picks of the steps by round and client, for traces. Default: drawn. */
  readonly picks?: readonly Readonly<Record<number, readonly number[]>>[];
}

/** Slopes count in a direction's amplitude up to this. */
const LARGEST = 1000;

export function seededWalk({ seeds, perturbation, pro, directions, picks }: SeededWalk): MethodBody {
  const replay = { kind: "pool", directions, size: seeds } as const;
  const draw = {
    kind: "direction",
    directions,
    pool: seeds,
    ...(pro ? { probabilities: PROBABILITIES } : {}),
    ...(picks === undefined ? {} : { picks }),
  } as const;
  return {
    payloads: (model: Layout, settings: PayloadSettings = {}) => ({
      broadcast: { parameters: model },
      upload: { [PAIRS]: { layout: pairsLayout(requireLocalSteps("fedkseed", settings)), aggregation: "each" } },
      clientState: { [STARTED]: startedLayout },
      replay,
    }),
    compression: { up: [{ name: "seed-pairs", pool: seeds }], vectors: [PAIRS] },
    client: zerothOrderClient({
      draw,
      perturbation,
      walks: true,
      upload: (slopes, taken) => ({ [PAIRS]: { picks: taken, slopes } }),
      keep: ({ steps }) => ({ [STARTED]: { [STARTED]: add(mul(steps, 0), 1) } }),
    }),
    init: (parameters) => ({
      vectors: {
        parameters,
        initial: parameters.slice(),
        coefficients: zerosLike(parameters, seeds),
        ...(pro ? { amplitudes: zerosLike(parameters, seeds), counts: zerosLike(parameters, seeds) } : {}),
      },
      scalars: {},
    }),
    broadcast: ({ vectors }) => ({
      coefficients: vectors["coefficients"]!,
      ...(pro ? { [PROBABILITIES]: probabilities(vectors) } : {}),
    }),
    // who comes for the first time has no start
    messageTo: ({ vectors: { initial } }, { vectors }, kept) => ({
      vectors: kept === undefined ? { ...vectors, initial: initial! } : vectors,
    }),
    update(state, { [PAIRS]: pairs }, { learningRate, cohortSize }) {
      const { vectors } = state;
      const steps = pairs!.length / cohortSize / 2;
      const sent = pairsOf(pairs!, steps);
      const sums = new Float64Array(seeds);
      for (const [pick, slope] of sent) sums[pick]! += slope;
      const coefficients = vectors["coefficients"]!.map((a, j) => a + (learningRate * sums[j]!) / cohortSize);
      const parameters = poolModel(vectors["initial"]!, coefficients, replay);
      const next = { ...vectors, coefficients, parameters, ...(pro ? history(vectors, sent) : {}) };
      return { ...state, vectors: next };
    },
  };
}

/** Names of what goes up, and of what goes down beside the coefficients. */
const [PAIRS, PROBABILITIES] = ["pairs", "probabilities"];

/** Kept by clients that have the start of the model. */
const STARTED = "started";
const startedLayout = layout([{ name: STARTED, shape: [], role: "vector", block: STARTED }]);

function pairsLayout(steps: number): Layout {
  return layout(["picks", "slopes"].map((name) => ({ name, shape: [steps], role: "vector", block: name })));
}

/** The pairs of all clients, client by client and step by step. */
function pairsOf(pairs: Vector, steps: number): (readonly [pick: number, slope: number])[] {
  const [picks, slopes] = pairsLayout(steps).entries;
  return Array.from({ length: pairs.length / (2 * steps) }, (_, client) => {
    const row = pairs.subarray(client * 2 * steps, (client + 1) * 2 * steps);
    const slopesOf = entryView(row, slopes!);
    return Array.from(entryView(row, picks!), (pick, step) => [pick, slopesOf[step]!] as const);
  }).flat();
}

/** Sums of |g|, cut to range, and how many, by direction. */
function history(vectors: ServerState["vectors"], sent: readonly (readonly [pick: number, slope: number])[]) {
  const [amplitudes, counts] = [vectors["amplitudes"]!.slice(), vectors["counts"]!.slice()];
  for (const [pick, slope] of sent) {
    amplitudes[pick]! += Math.min(Math.abs(slope), LARGEST);
    counts[pick]! += 1;
  }
  return { amplitudes, counts };
}

/** P(j) of the next round, [K]. */
function probabilities(vectors: ServerState["vectors"]): Vector {
  const [amplitudes, counts] = [vectors["amplitudes"]!, vectors["counts"]!];
  const means = Float64Array.from(amplitudes, (sum, j) => sum / (1 + counts[j]!));
  const [least, most] = [means.reduce((a, b) => Math.min(a, b)), means.reduce((a, b) => Math.max(a, b))];
  const weights = means.map((mean) => (most === least ? 1 : Math.exp((mean - least) / (most - least))));
  const total = weights.reduce((a, b) => a + b, 0);
  const result = zerosLike(amplitudes);
  result.set(weights.map((weight) => weight / total));
  return result;
}
