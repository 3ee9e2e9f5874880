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

/** `PipelineSettings` as they come over the wire. Secure aggregation does not travel yet. */
export const pipelineSchema: z.ZodType<PipelineSettings> = z.strictObject({
  weighting: z.enum(["examples", "uniform"]),
  clipNorm: z.number().min(0),
  privacy: mechanism.optional(),
  secureAggregation: z.undefined().optional(),
});
