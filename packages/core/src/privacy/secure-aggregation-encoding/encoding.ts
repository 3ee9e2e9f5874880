import type { Vector } from "../../params/index.ts";
import type { KeyRequest, Update } from "../../protocol/index.ts";
import type { RandomKey, RandomStream } from "../../random/index.ts";
import { decodeSum, encodeNoisedUpdate } from "../integers/index.ts";
import { noiseStream } from "../mechanisms/gaussian.ts";
import { dequantizeMean, levels, type Quantization, quantize } from "../secure-aggregation/quantization.ts";
import { decodeMetrics, encodeMetrics, type MetricSums } from "./metrics.ts";
import { INTEGERS, integerCount, type SecureAggregationSettings } from "./settings.ts";

/**
 * Keys of `encodeIntegers`: of roundings and noise, which are the client's own where they are not drawn from its platform,
 * and of the rotation, which is public.
 */
export function integerKeys({
  encoding,
  source,
}: Pick<SecureAggregationSettings, "encoding" | "source">): readonly KeyRequest[] {
  const own = (...names: string[]): KeyRequest[] =>
    source.kind === "secure" ? [] : names.map((name) => ({ name, path: (round) => [name, round] }));
  if (encoding.kind === "quantized") return own(ROUNDING);
  return [...own(ROUNDING, NOISE), { name: ROTATION, shared: true, path: (round) => [ROTATION, round] }];
}

/** The public rotation of a round, from the keys of the run. */
export function rotationKey(round: number, key: (...path: readonly (string | number)[]) => RandomKey): RandomKey {
  return key(ROTATION, round);
}

// paths of random keys: another name would change the results
const ROUNDING = "secure-sum-rounding";
const NOISE = "secure-sum-noise";
const ROTATION = "rotation";

/**
 * The update as integers, in float64, which holds all of them exactly. With noise its vector is expected within the
 * clip norm. Throws what `quantize` and `encodeNoisedUpdate` throw.
 */
export function encodeIntegers(
  settings: SecureAggregationSettings,
  update: Update,
  clipNorm: number | undefined,
  keys: Readonly<Record<string, RandomKey>>,
): Update {
  const { encoding, vector, source } = settings;
  const values = update.vectors[vector]!;
  const secret = (name: string) => noiseStream(source, keys[name]!);
  const integers =
    encoding.kind === "quantized"
      ? quantized(settings, encoding.rule, update, secret(ROUNDING))
      : encodeNoisedUpdate(values, clipNorm!, encoding.mechanism, {
          rotation: keys[ROTATION]!,
          rounding: secret(ROUNDING),
          noise: secret(NOISE),
        });
  return { ...update, vectors: { [INTEGERS]: integers } };
}

/**
 * What `quantize` makes, [size + 1], the metrics of the training, and how many values were cut to the range, as a share of
 * all in units of 1 / levels.
 */
function quantized(
  settings: SecureAggregationSettings,
  rule: Quantization,
  { vectors, public: metadata }: Update,
  stream: RandomStream,
): Float64Array {
  const values = vectors[settings.vector]!;
  const integers = new Float64Array(integerCount(settings));
  integers.set(quantize(values, weightOf(settings, metadata.weight), rule, stream));
  integers.set(encodeMetrics(metadata, rule), values.length + 1);
  let cut = 0;
  for (let i = 0; i < values.length; i++) if (Math.abs(values[i]!) > rule.range) cut++;
  integers[integers.length - 1] = Math.round((cut / values.length) * levels(rule));
  return integers;
}

/** Metrics of all clients in a sum together; undefined with noise, which does not cover them. */
export function sumsOfMetrics(
  { encoding, size }: SecureAggregationSettings,
  sum: Uint32Array,
  survivors: number,
): MetricSums | undefined {
  return encoding.kind === "noised" ? undefined : decodeMetrics(sum.subarray(size + 1), survivors, encoding.rule);
}

/** Share of the values of all updates in a sum that were cut to the range; undefined with noise, which has no range. */
export function cutShare(
  { encoding }: SecureAggregationSettings,
  sum: Uint32Array,
  survivors: number,
): number | undefined {
  return encoding.kind === "noised" ? undefined : sum.at(-1)! / (survivors * levels(encoding.rule));
}

/** What an aggregate of integers stands for. */
export interface IntegerSum {
  readonly survivors: number;
  readonly clipNorm: number | undefined;
  /** The public rotation of the round. */
  readonly rotation: RandomKey;
}

/** What the server half of the method is given, written into `out` [size], from a sum over so many survivors. */
export function decodeIntegers(
  settings: SecureAggregationSettings,
  sum: Uint32Array,
  { survivors, clipNorm, rotation }: IntegerSum,
  out: Vector,
): void {
  const { encoding, aggregation, size } = settings;
  if (encoding.kind === "noised") {
    decodeSum(sum, clipNorm!, encoding.mechanism, rotation, out);
    return;
  }
  const { mean } = dequantizeMean(sum.subarray(0, size + 1), survivors, encoding.rule);
  const factor = aggregation === "sum" ? survivors : 1;
  for (let i = 0; i < out.length; i++) out[i] = mean[i]! * factor;
}

/** Updates that count alike carry the largest weight, which costs the least by rounding. */
function weightOf({ encoding, aggregation }: SecureAggregationSettings, weight: number): number {
  if (aggregation === "weightedMean" || encoding.kind !== "quantized") return weight;
  return encoding.rule.maxWeight;
}
