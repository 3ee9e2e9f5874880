import * as z from "zod";
import type { PipelineSettings } from "../pipeline/index.ts";

const share = z.number().gt(0).lt(1);

const mechanism = z.strictObject({
  clipping: z.enum(["flat", "per-layer", "per-layer-by-size"]),
  clipNorm: z.number().positive(),
  distribution: z.enum(["gaussian", "discrete-gaussian", "skellam"]),
  noise: z.enum(["central", "distributed", "local"]),
  noiseMultiplier: z.number().min(0),
  fewestRecords: z.int().min(1).optional(),
  denominator: z.number().positive(),
  minimumSurvivors: z.int().min(1),
  adaptive: z
    .strictObject({ targetQuantile: share, rate: z.number().positive(), countNoise: z.number().min(0) })
    .optional(),
  // noise that a server could compute again hides nothing from it
  source: z.strictObject({ kind: z.literal("secure") }),
});

const count = z
  .int()
  .min(0)
  .max(2 ** 31);

const secureAggregation = z.strictObject({
  protocol: z.enum(["bonawitz", "secagg+", "lightsecagg"]),
  vector: z.string().min(1).max(128),
  size: count.min(1),
  aggregation: z.enum(["weightedMean", "uniformMean", "sum"]),
  encoding: z.strictObject({
    kind: z.literal("quantized"),
    rule: z.strictObject({
      range: z.number().positive(),
      bits: z.int().min(1).max(31),
      maxWeight: z.number().positive(),
      rounding: z.enum(["stochastic", "nearest"]),
    }),
  }),
  fewest: count.min(2),
  threshold: count.min(2).optional(),
  corrupted: z.number().min(0).lt(1),
  dropped: z.number().min(0).lt(1),
  // a client never uploads its integers as they are
  integers: z.literal("kept"),
  // of roundings, which hide nothing; keys always come from the client's platform
  source: z.strictObject({ kind: z.literal("seeded") }),
});

/** `PipelineSettings` as they come over the wire. Noise of clients does not travel yet. */
export const pipelineSchema: z.ZodType<PipelineSettings> = z.strictObject({
  weighting: z.enum(["examples", "uniform"]),
  clipNorm: z.number().min(0),
  privacy: mechanism.optional(),
  secureAggregation: secureAggregation.optional(),
});
