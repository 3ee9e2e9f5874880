/**
 * RFFL: clients earn a reputation by how well their updates agree with the aggregate, weigh as much as it says, receive the
 * more of the aggregate the higher it is, and are removed where it is too low.
 *
 * Citation: X. Xu, L. Lyu, "A Reputation Mechanism Is All You Need: Collaborative Fairness and Adversarial Robustness in
 * Federated Learning", FL-ICML 2021, arXiv:2011.10464.
 *
 * Update rule:
 *   K times: y <- y - eta * g_i(y) from y = x_i;  D_i = y - x_i, scaled down to the norm Gamma
 *   u <- sum_i w_i D_i with w_i = p_i in the first round, else r_i
 *   r_i <- alpha r_i + (1 - alpha) cos(D_i, u), 0 for removed clients;  r <- r / sum(r)
 *   after `warmup` rounds: remove clients with r_i < c / (clients that are left), then r <- r / sum(r)
 *   x_i <- x_i + D_i + the ceil(r_i / max(r) * n) largest entries of each of u's tensors, of n entries
 *
 * Symbols: x_i -> starts -> [clients, d]; r -> reputation -> [clients]; alpha -> memory -> []; Gamma -> norm -> [];
 *   c -> threshold -> []; p_i -> aggregation.weighting -> [clients]
 * State: server {parameters [d], starts [clients, d], reputation [clients], reputable [clients]}; client none. `parameters` is
 *   the mean of the models of clients that were not removed; no client sees it.
 * Wire: down a share of d with its places, and d once, up d; nothing to and from removed clients.
 * Differences: follows the authors' code, in which reputations begin at 0, so that a client with a negative cosine weighs
 *   negatively until it is removed, and clients add their own update twice; with `subtractOwn` what they weighed in u is
 *   taken from what they receive. Sums of reputations that are not positive do not divide, and the last client stays. A
 *   client that fails has a cosine of 0, and receives nothing. The simulation keeps clients' models on the server.
 */
import * as z from "zod";
import { type ReputationRound, reputationReport, reputationRound, rewardedPlaces } from "../aggregation/reputation.ts";
import { decodeReward, encodeReward } from "../aggregation/reward-message.ts";
import type { FloatBytes } from "../compression/index.ts";
import { type Vector, zerosLike } from "../params/vector.ts";
import type { Algorithm, CarriedBytes, RoundContext, ServerState } from "./algorithm.ts";
import { STARTS, sgdFromOwnStarts, startOf, startsOf } from "./client-starts.ts";
import { defineMethod } from "./define-method.ts";
import type { MethodBody } from "./method.ts";
import { reputationState, reputationsOf } from "./reputation-state.ts";

/** Numbers of the state: bytes of the rewards of the last round, of the largest, and how many clients were heard. */
const [SENT, LARGEST, HEARD] = ["rewardBytes", "largestReward", "heardClients"] as const;

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { rffl } from "@anabranch/core";
 * rffl.definition.name; // => "rffl"
 * ```
 */
export const rffl = defineMethod({
  name: "rffl",
  options: z.strictObject({
    memory: z.number().min(0).lt(1).default(0.95).describe("weight of the reputation so far (alpha)"),
    norm: z.number().positive().default(0.5).describe("largest norm of an update; longer ones are scaled down (Gamma)"),
    threshold: z
      .number()
      .min(0)
      .max(1)
      .default(1 / 3)
      .describe("clients below this share of the mean reputation are removed (c)"),
    warmup: z.int().min(0).default(10).describe("rounds before the first removal"),
    subtractOwn: z.boolean().default(false).describe("take from what a client receives what it weighed itself"),
  }),
  symbols: { alpha: "memory", Gamma: "norm", c: "threshold" },
  build({ subtractOwn, ...settings }): MethodBody {
    return {
      ...sgdFromOwnStarts(),
      models: (state) => modelsOf(state),
      report: (before, after) => {
        const next = reputationsOf(after, 0);
        return reputationReport(reputationsOf(before, next.values.length), next);
      },
      traffic,
      update(state, { delta }, context) {
        const { clients = [], population } = context;
        const before = reputationsOf(state, population);
        const result = reputationRound(before, ...uploadsOf(delta!, state, context), settings);
        const starts = startsOf(state, population);
        const sizes = giveRewards(starts, result, subtractOwn, context);
        const kept = reputationState(result.after);
        const parameters = meanOf(starts, result.after.reputable, state.vectors.parameters);
        const scalars = {
          [SENT]: sizes.reduce((a, b) => a + b, 0),
          [LARGEST]: Math.max(0, ...sizes),
          [HEARD]: clients.filter((client) => before.reputable.includes(client)).length,
        };
        return {
          vectors: { ...kept.vectors, parameters, [STARTS]: starts },
          scalars: { ...state.scalars, ...kept.scalars, ...scalars },
        };
      },
    };
  },
});

/** Updates of all clients, zeros where there is none, and what they weigh in the first round. */
function uploadsOf(
  delta: Vector,
  { vectors: { parameters } }: ServerState,
  { clients = [], weights = [], population, layout: { size } }: RoundContext,
): [updates: readonly Vector[], samples: readonly number[]] {
  const updates = Array.from({ length: population }, () => zerosLike(parameters));
  const samples = new Array<number>(population).fill(0);
  for (const [row, client] of clients.entries()) {
    updates[client] = delta.subarray(row * size, (row + 1) * size);
    samples[client] = weights[row]!;
  }
  return [updates, samples];
}

/** Moves the models of clients by their own updates and by what they receive. Returns the bytes of each message. */
function giveRewards(
  starts: Vector,
  { clipped, weights, aggregate, after }: ReputationRound,
  subtractOwn: boolean,
  { clients = [], layout }: RoundContext,
): readonly number[] {
  const layers = layout.entries.map(({ size }) => size);
  const left = new Set(after.reputable);
  const whole = zerosLike(starts, layout.size);
  whole.set(aggregate);
  return clients.flatMap((client) => {
    const model = starts.subarray(client * layout.size, (client + 1) * layout.size);
    const own = clipped[client]!;
    for (const [j, change] of own.entries()) model[j]! += change;
    if (!left.has(client)) return [];
    const values = zerosLike(starts, layout.size);
    const share = subtractOwn ? weights[client]! : 0;
    for (const [j, value] of aggregate.entries()) values[j] = value - share * own[j]!;
    const reward = encodeReward(values, layers, rewardedPlaces(whole, layers, after, client));
    const received = decodeReward(reward, layers, starts.BYTES_PER_ELEMENT as FloatBytes);
    for (const [j, value] of received.entries()) model[j]! += value;
    return [reward.length];
  });
}

function modelsOf(state: ServerState): readonly Vector[] {
  const count = (state.vectors[STARTS]?.length ?? 0) / state.vectors.parameters.length;
  return Array.from({ length: count }, (_, client) => startOf(state, client));
}

/** The mean of some of the models, added in float64. */
function meanOf(starts: Vector, clients: readonly number[], like: Vector): Vector {
  const mean = zerosLike(like);
  for (let j = 0; j < mean.length; j++) {
    let sum = 0;
    for (const client of clients) sum += starts[client * mean.length + j]!;
    mean[j] = sum / clients.length;
  }
  return mean;
}

/** The model once, then rewards; nothing to and from clients that were removed before. */
function traffic(
  { bytesDown, bytesUp, largestMessage }: CarriedBytes,
  { round, clients = [], state: { scalars } }: Parameters<NonNullable<Algorithm["traffic"]>>[1],
): CarriedBytes {
  const first = round === 1 ? { down: bytesDown, largest: largestMessage } : { down: 0, largest: 0 };
  if (clients.length === 0) return { bytesDown: first.down, bytesUp: 0, largestMessage: first.largest };
  const upload = bytesUp / clients.length;
  return {
    bytesDown: first.down + scalars[SENT]!,
    bytesUp: Math.round(upload * scalars[HEARD]!),
    largestMessage: Math.max(first.largest, scalars[LARGEST]!, Math.ceil(upload)),
  };
}
