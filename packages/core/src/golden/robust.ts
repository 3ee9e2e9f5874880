import * as z from "zod";
import { combinedLayer, peerWeights } from "../aggregation/bristle.ts";
import {
  electedRanking,
  positionsOf,
  reversedVote,
  scoresByRank,
  topMask,
  voteSums,
} from "../aggregation/rank-vote.ts";
import { noReputations, reputationRound, reward } from "../aggregation/reputation.ts";
import type { Operation } from "./operation.ts";
import { vectorList } from "./quadratic-problem.ts";

const classId = z.int().min(0);
const scores = z
  .record(z.string().regex(/^\d+$/), z.number().min(0).max(1))
  .transform((given) => new Map(Object.entries(given).map(([id, score]) => [Number(id), score])));
const layerOf = z.object({ columns: vectorList, f1: scores });
const bristleInput = z.object({
  familiar: z.array(classId),
  own: layerOf,
  peers: z.array(layerOf.extend({ classes: z.int().min(0).nullable() })),
});

/** `columns` of the receiver afterwards; of each peer its certainty and weights. */
export const bristleOperation: Operation = {
  async run(input) {
    const { familiar, own, peers } = bristleInput.parse(input);
    const toVectors = (rows: readonly (readonly number[])[]) => rows.map((row) => Float64Array.from(row));
    const received = peers.map(({ columns, f1, classes }) => {
      return { columns: toVectors(columns), scores: f1, classes: classes ?? undefined };
    });
    const weights = received.map((peer) => peerWeights(familiar, own.f1, peer));
    const columns = combinedLayer(toVectors(own.columns), familiar, received, weights);
    return {
      columns: columns.map((column) => Array.from(column)),
      peers: weights.map((peer) => {
        return { certainty: peer.certainty, classWeights: peer.familiar, foreignWeight: peer.foreign };
      }),
    };
  },
};

const ranking = z
  .array(z.int().min(0))
  .min(1)
  .refine((order) => new Set(order).size === order.length && Math.max(...order) < order.length, "not a permutation");
const voteInput = z
  .object({
    rankings: z.array(ranking).min(1),
    initialScores: z.array(z.number()),
    keep: z.number().min(0).max(1),
    attackers: z.int().min(0).default(0),
  })
  .refine(({ rankings, initialScores }) => rankings.every(({ length }) => length === initialScores.length), "lengths")
  .refine(({ rankings, attackers }) => attackers <= rankings.length, "more attackers than voters");

/** `sums` of the places, the elected `ranking`, the next `scores` and the `mask` of kept parameters. */
export const rankVoteOperation: Operation = {
  async run(input) {
    const { rankings, initialScores, keep, attackers } = voteInput.parse(input);
    const honest = rankings.map(positionsOf);
    const reversed = attackers === 0 ? [] : positionsOf(reversedVote(honest.slice(0, attackers)));
    const sums = voteSums(honest.map((places, voter) => (voter < attackers ? reversed : places)));
    const elected = electedRanking(sums);
    return {
      sums: Array.from(sums),
      ranking: Array.from(elected),
      scores: Array.from(scoresByRank(elected, initialScores)),
      mask: Array.from(topMask(elected, keep)),
    };
  },
};

const reputationInput = z.object({
  layers: z.array(z.int().positive()).min(1),
  samples: z.array(z.number().positive()),
  updates: z.array(vectorList).min(1),
});
const reputationOptions = z.object({
  alpha: z.number().min(0).max(1).default(0.95),
  norm: z.number().positive(),
  threshold: z
    .number()
    .min(0)
    .default(1 / 3),
  warmup: z.int().min(0).default(10),
});

/** By round: `reputations` and `reputable` clients after it, `aggregates`, and the `rewards` of all clients. */
export const reputationOperation: Operation = {
  async run(input, given) {
    const { layers, samples, updates } = reputationInput.parse(input);
    const { alpha, ...settings } = reputationOptions.parse(given);
    let state = noReputations(samples.length);
    const rounds = updates.map((round) => {
      const vectors = round.map((update) => Float64Array.from(update));
      const { aggregate, after } = reputationRound(state, vectors, samples, { ...settings, memory: alpha });
      state = after;
      const rewards = samples.map((_, client) => Array.from(reward(aggregate, layers, after, client)));
      return { ...after, aggregate: Array.from(aggregate), rewards };
    });
    return {
      reputations: rounds.map(({ values }) => values),
      reputable: rounds.map(({ reputable }) => reputable),
      aggregates: rounds.map(({ aggregate }) => aggregate),
      rewards: rounds.map(({ rewards }) => rewards),
    };
  },
};
