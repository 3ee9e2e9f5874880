import { constant, gather, mul, nn, reshape, type Tensor, transpose } from "@anabranch/engine";
import * as z from "zod";
import { deriveKey, permutation, randomStream, rootKey } from "../random/index.ts";
import { adapterTargets } from "./adapter-targets.ts";
import { adapterOptions, extentsOf, LOW_RANK_TARGETS, requireRank } from "./low-rank-adapters.ts";
import type { AdapterPair, Model, ModelParameters } from "./model.ts";

/**
 * Options of adapters from pools of shards, with defaults and descriptions.
 *
 * @example
 * ```ts
 * import { shardOptions } from "@anabranch/core";
 * shardOptions.parse({ rank: 8, pool: 2 }).pieces; // => 4
 * ```
 */
export const shardOptions = z
  .strictObject({
    rank: z.int().positive().describe("rank of each weight's adapter (r)"),
    pool: z
      .int()
      .positive()
      .describe("vectors in the pools per weight (e): as many numbers are trained as by LoRA of this rank"),
    pieces: z
      .int()
      .positive()
      .max(4096)
      .default(4)
      .describe("shards of a vector (l); a width that this does not divide has its next smaller divisor"),
    private: z
      .int()
      .min(0)
      .optional()
      .describe("vectors per weight that no other weight shares; omitted: 1, or 0 with a pool of 1"),
    seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(0).describe("seed of the choice of shards"),
    alpha: adapterOptions.shape.alpha,
    targets: adapterOptions.shape.targets,
  })
  .refine(({ rank, pool }) => pool <= rank, { path: ["pool"], message: "at most the rank, or shards would be unused" })
  .refine(({ rank, pool, private: own = 0 }) => own < pool || (own === pool && pool === rank), {
    path: ["private"],
    message: "below the pool, of which the rest is shared; or equal to both pool and rank, where nothing is shared",
  });

/**
 * MoS: a model with low-rank adapters whose factors are put together from shards. All weights with inputs of one width take the
 * rows of A from one pool [shards, width / l], and all with outputs of one width take those of B from another. Which shards,
 * and in which order, is drawn once from `seed`, for A and B apart, and never changes; the pools alone are trained.
 *
 * A weight first has `private` vectors of its own. Its other shards are different ones of the shared part, as long as there are
 * enough. With pool = private = rank nothing is shared, and the model is that of LoRA.
 *
 * Citation: S. Wang et al., "MoS: Unleashing Parameter Efficiency of Low-Rank Adaptation with Mixture of Shards", ICLR 2025,
 * arXiv:2410.00938. Differences: pools are by width and not by kind of layer; once all shards of a pool are taken, as by
 * the only weight of its width, they are taken again in another order.
 * @throws `parameters/unknown`, `adapters/target` and `adapters/rank` as `withAdapters`
 * @example
 * ```ts
 * import { mlp, withShards } from "@anabranch/core";
 * const model = withShards(mlp({ input: [8], hidden: [8], classes: 2 }), { rank: 2, pool: 1, pieces: 2 });
 * model.parameters.find(({ name }) => name === "shards.a8")?.shape; // => [4, 4]
 * ```
 */
export function withShards(base: Model, options: z.input<typeof shardOptions>): Model {
  const settings = shardOptions.parse(options);
  const { rank, alpha = 2 * rank, targets } = settings;
  const scale = alpha / rank;
  const adapted = adapterTargets(base, targets, LOW_RANK_TARGETS);
  requireRank(base.name, rank, adapted, "adapters.shards");
  const first = poolsOf(adapted, 0, settings);
  const second = poolsOf(adapted, 1, settings);
  const pairs = adapted.map(({ name }, i): AdapterPair => {
    const [a, b] = [first.taken[i]!, second.taken[i]!];
    return { weight: name, a: a.pool, b: b.pool, shards: { a: a.index, b: b.index } };
  });
  return {
    ...base,
    base,
    parameters: [...base.parameters, ...first.parameters, ...second.parameters],
    adapters: { base, pairs, scale },
    forward: (parameters, features, context) => base.forward(withFactors(parameters, pairs, scale), features, context),
  };
}

type Settings = z.output<typeof shardOptions>;

/** What one factor of a weight is put together from. */
interface Taken {
  readonly pool: string;
  /** Numbers of shards in the pool, [r l]. */
  readonly index: number[];
}

/** The pools of one side of all weights, 0 for A and 1 for B, and what each weight takes of them. */
function poolsOf(weights: readonly nn.ParameterSpec[], side: 0 | 1, settings: Settings) {
  const { rank, pool, private: given, pieces, seed } = settings;
  const own = given ?? (pool > 1 ? 1 : 0);
  const parameters: nn.ParameterSpec[] = [];
  const taken: Taken[] = new Array(weights.length);
  for (const width of new Set(weights.map((weight) => extentsOf(weight)[side]))) {
    const name = `shards.${side === 0 ? "a" : "b"}${width}`;
    const parts = divisor(width, pieces);
    const members = weights.flatMap((weight, i) => {
      const extents = extentsOf(weight);
      const most = (vectors: number) => Math.min(vectors, ...extents) * parts;
      return extents[side] === width ? [{ weight, i, rank: most(rank), pool: most(pool), own: most(own) }] : [];
    });
    const common = members.reduce((sum, member) => sum + member.pool - member.own, 0);
    let free = common; // private shards lie behind the common ones
    for (const { weight, i, rank: needed, own: kept } of members) {
      const stream = randomStream(deriveKey(rootKey(seed), "shards", name, weight.name));
      const index = Array.from({ length: kept }, (_, shard) => free + shard);
      while (index.length < needed)
        for (const shard of permutation(stream, common).subarray(0, needed - index.length)) index.push(shard);
      free += kept;
      taken[i] = { pool: name, index };
    }
    const initialize = side === 0 ? nn.kaimingUniform(width) : nn.zeros;
    parameters.push({ name, shape: [free, width / parts], role: "matrix", block: "shards", initialize });
  }
  return { parameters, taken };
}

/** The largest divisor of a width that is at most `most`. */
function divisor(width: number, most: number): number {
  let found = Math.min(width, most);
  while (width % found !== 0) found--;
  return found;
}

/** The values under which the base model computes as the one with shards. */
function withFactors(parameters: ModelParameters, pairs: readonly AdapterPair[], scale: number): ModelParameters {
  const sums = pairs.map(({ weight: name, a, b, shards }) => {
    const weight = parameters[name]!;
    const [inputs, outputs] = extentsOf({ shape: weight.shape as readonly number[] });
    const first = vectors(parameters[a]!, shards!.a, inputs);
    const second = mul(vectors(parameters[b]!, shards!.b, outputs), scale);
    const rank = first.shape[0]!;
    const factors =
      weight.shape.length === 2
        ? { a: transpose(first, [1, 0]), b: second }
        : {
            a: reshape(first, [rank, ...weight.shape.slice(1)]),
            b: reshape(transpose(second, [1, 0]), [outputs, rank, 1, 1]),
          };
    return [name, nn.lowRankSum({ weight, ...factors })];
  });
  return { ...parameters, ...Object.fromEntries(sums) };
}

/** Vectors of a width from shards of a pool, one after the other, [r, width]. */
function vectors(pool: Tensor, index: readonly number[], width: number): Tensor {
  const rank = (index.length * (pool.shape[1] as number)) / width;
  return reshape(gather(pool, constant(Int32Array.from(index), [index.length], "int32")), [rank, width]);
}
