import * as z from "zod";
import { storageBits } from "../adapters/stored-weights.ts";
import { bottleneckOptions } from "../models/bottlenecks.ts";
import { poolOptions } from "../models/instance-pool.ts";
import { adapterOptions } from "../models/low-rank-adapters.ts";
import { shardOptions } from "../models/shards.ts";

/** How the factors of clients become one pair. */
export const adapterRules = ["fedit", "ffa", "lora-fair", "zero-pad", "flexlora", "flora", "fed-sb"] as const;

/** Keys of which one says that a model has adapters, and of which kind. */
export const adapterKinds = ["rank", "shards", "bottleneck", "pool", "prompts"] as const;

const { alpha, targets } = adapterOptions.shape;

export const adapters = z
  .strictObject({
    rank: z
      .union([z.int().positive(), z.array(z.int().positive()).min(1).max(64)])
      .optional()
      .describe(
        "rank of low-rank adapters (LoRA), or a list of ranks, of which client i has the one at i modulo their number; omitted: no adapters",
      ),
    controller: z
      .enum(["fedpipe", "fedspine"])
      .optional()
      .describe(
        '"fedpipe": rank, batch and bits of each client are the largest that fit devices.memory and schedule.deadline. "fedspine": rank and pruned share are learned by a bandit. Omitted: ranks by client number',
      ),
    pruned: z
      .array(z.number().min(0).lt(1))
      .min(1)
      .max(16)
      .optional()
      .describe("fedspine: shares of each hidden layer's units to leave out, to choose from; omitted: 0"),
    exploration: z
      .number()
      .min(0)
      .optional()
      .describe("fedspine: c of the bandit, which tries what it has seldom tried the more; omitted: 0.5"),
    timeWeight: z
      .number()
      .min(0)
      .optional()
      .describe("fedspine: what a client's time counts against how much its loss fell; omitted: 1"),
    select: z
      .int()
      .positive()
      .optional()
      .describe(
        "weights that keep their adapters after the first rounds: those of the highest scores (FedPipe); omitted: all",
      ),
    selectAfter: z
      .int()
      .positive()
      .optional()
      .describe("rounds in which all adapters train and are scored before some are selected; omitted: 1"),
    batches: z
      .array(z.int().positive())
      .min(1)
      .max(64)
      .optional()
      .describe("fedpipe: mini-batches to choose from; omitted: training.batchSize"),
    bits: z
      .array(z.literal(storageBits))
      .min(1)
      .optional()
      .describe("fedpipe: bits of stored frozen weights to choose from: 4 (NF4), 8 or 32; omitted: 32"),
    alpha,
    targets,
    rule: z
      .enum(adapterRules)
      .default("fedit")
      .describe(
        'how factors become one pair: "fedit" (means), "ffa" (A stays as drawn), "lora-fair" (means, B corrected) or "zero-pad" (means, lower ranks count as zeros). Others: "flexlora" (mean of the products, truncated), "flora" (merged in every round) or "fed-sb" (cores)',
      ),
    shards: shardOptions.shape.rank
      .optional()
      .describe(
        "rank of low-rank adapters whose factors are put together from pools that all weights share (MoS); omitted: no such adapters",
      ),
    shardPool: shardOptions.shape.pool
      .optional()
      .describe(
        "vectors in the pools per weight: as many numbers are trained as by LoRA of this rank; omitted: 2, or 1 at rank 1",
      ),
    shardPieces: shardOptions.shape.pieces
      .unwrap()
      .optional()
      .describe("shards of a vector; a width that this does not divide has its next smaller divisor; omitted: 4"),
    shardPrivate: shardOptions.shape.private
      .unwrap()
      .optional()
      .describe("vectors per weight that no other weight shares; omitted: 1, or 0 with a pool of 1"),
    shardSeed: shardOptions.shape.seed.unwrap().optional().describe("seed of the choice of shards; omitted: 0"),
    bottleneck: bottleneckOptions.shape.units
      .optional()
      .describe("units of adapters after dense layers, a narrow and a wide one each; omitted: no such adapters"),
    pool: poolOptions.shape.sets
      .optional()
      .describe("sets of a scale, a shift and a classifier that examples choose from (FedIns); omitted: no pool"),
    poolTop: poolOptions.shape.top
      .unwrap()
      .optional()
      .describe("sets that each example chooses, at most all, whose means it is given; omitted: 3"),
    keyWeight: poolOptions.shape.keyWeight
      .unwrap()
      .optional()
      .describe("part of the loss that pulls keys to the examples that choose them; omitted: 0.1"),
    prompts: z
      .int()
      .positive()
      .optional()
      .describe("learned tokens in front of the sequences of a transformer (prompt tuning); omitted: none"),
    lambda: z
      .number()
      .min(0)
      .optional()
      .describe("lora-fair: regularisation in units of the mean eigenvalue of A A^T; omitted: 0.01"),
  })
  .prefault({})
  .describe(
    'adapters, a pool or prompts: the model keeps its initial weights, and clients train and send what is added alone; [parameters] frozen = "!head" trains the head as well',
  );
