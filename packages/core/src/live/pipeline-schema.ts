import * as z from "zod";
import { checkedCompressor, compressionLink, downFeedbacks, feedbacks } from "../compression/index.ts";
import type { PipelineSettings } from "../pipeline/index.ts";
import { USUAL_BIAS } from "../privacy/integers/index.ts";

const share = z.number().gt(0).lt(1);

const count = z
  .int()
  .min(0)
  .max(2 ** 31);

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

const quantized = z.strictObject({
  kind: z.literal("quantized"),
  rule: z.strictObject({
    range: z.number().positive(),
    bits: z.int().min(1).max(31),
    maxWeight: z.number().positive(),
    rounding: z.enum(["stochastic", "nearest"]),
  }),
});

/** `DiscreteMechanism`: what a client's epsilon follows from. */
const noised = z.strictObject({
  kind: z.literal("noised"),
  mechanism: z.strictObject({
    distribution: z.enum(["discrete-gaussian", "skellam"]),
    size: count.min(1),
    modulus: z
      .int()
      .min(2)
      .max(2 ** 32),
    granularity: z.number().positive(),
    variance: z.number().positive(),
    // with more a rounding may fail, which depends on what is rounded
    bias: z.number().min(0).max(USUAL_BIAS),
    survivors: count.min(1),
  }),
});

const secureAggregation = z.strictObject({
  protocol: z.enum(["bonawitz", "secagg+", "lightsecagg"]),
  vector: z.string().min(1).max(128),
  size: count.min(1),
  aggregation: z.enum(["weightedMean", "uniformMean", "sum"]),
  encoding: z.discriminatedUnion("kind", [quantized, noised]),
  fewest: count.min(2),
  threshold: count.min(2).optional(),
  corrupted: z.number().min(0).lt(1),
  dropped: z.number().min(0).lt(1),
  // a client never uploads its integers as they are
  integers: z.literal("kept"),
  // seeded: of roundings alone, which hide nothing; keys of the protocol always come from the client's platform
  source: z.strictObject({ kind: z.enum(["seeded", "secure"]) }),
});

const compression = z.strictObject({
  up: z.array(compressionLink).min(1).max(8),
  scope: z.enum(["model", "layer"]),
  feedback: z.enum(feedbacks),
  momentum: z.number().min(0).lt(1),
  nesterov: z.boolean(),
  masking: z.boolean(),
  vectors: z.array(z.string().min(1).max(128)).min(1).max(32),
});

const down = z.strictObject({
  operators: z.array(compressionLink).min(1).max(8),
  scope: z.enum(["model", "layer"]),
  feedback: z.enum(downFeedbacks),
  vectors: z.array(z.string().min(1).max(128)).min(1).max(32),
});

/** Linear operators, whose results secure aggregation can add. */
function isLinear(
  { up, feedback }: z.output<typeof compression>,
  { privacy }: Pick<PipelineSettings, "privacy">,
): boolean {
  return privacy === undefined && feedback === "none" && checkedCompressor(up, feedback).traits.linear;
}

function isOpen({
  privacy,
  secureAggregation: sums,
}: Pick<PipelineSettings, "privacy" | "secureAggregation">): boolean {
  return privacy === undefined && sums === undefined;
}

/** `PipelineSettings` as they come over the wire. */
export const pipelineSchema: z.ZodType<PipelineSettings> = z
  .strictObject({
    weighting: z.enum(["examples", "uniform"]),
    clipNorm: z.number().min(0),
    privacy: mechanism.optional(),
    secureAggregation: secureAggregation.optional(),
    compression: compression.optional(),
    down: down.optional(),
  })
  .refine(
    ({ compression: codec, ...others }) => codec === undefined || isOpen(others) || isLinear(codec, others),
    "compressed updates are not private, and secret only under linear operators",
  )
  .refine(noiseFits, "noise of clients needs secure aggregation of integers with that noise, from a secure source");

/**
 * Whether settings have no noise of clients, or that of one mechanism: in shares of integers, whose sum is never unmasked
 * with fewer of them than the noise is made for.
 */
function noiseFits({ privacy, secureAggregation: sums }: PipelineSettings): boolean {
  if (sums === undefined) return privacy === undefined || privacy.noise === "central";
  if (sums.encoding.kind === "quantized") return privacy === undefined && sums.source.kind === "seeded";
  const { distribution, survivors, size } = sums.encoding.mechanism;
  return (
    sums.source.kind === "secure" &&
    privacy?.noise === "distributed" &&
    privacy.distribution === distribution &&
    sums.fewest >= survivors &&
    sums.size === size
  );
}
