import type { Vector } from "../../params/index.ts";
import type { Update } from "../../protocol/index.ts";
import {
  deriveKey,
  type RandomKey,
  type RandomStream,
  randomStream,
  rootKey,
  secureStream,
} from "../../random/index.ts";
import { decodeSum, encodeUpdate } from "../integers/index.ts";
import { dequantizeMean, levels, type Quantization, quantize } from "../secure-aggregation/quantization.ts";
import { INTEGERS, integerCount, type SecureSumSettings } from "./settings.ts";

/**
 * The update as whole numbers, in float64, which holds all of them exactly. With noise its vector is expected within the
 * clip norm. Throws what `quantize` and `encodeUpdate` throw.
 */
export function encodeIntegers(settings: SecureSumSettings, update: Update, clipNorm: number | undefined): Update {
  const { encoding, vector } = settings;
  const {
    round,
    client,
    public: { weight },
  } = update;
  const values = update.vectors[vector]!;
  const secret = (purpose: string) => secretStream(settings, purpose, round, client);
  const integers =
    encoding.kind === "quantized"
      ? quantized(settings, encoding.rule, values, weightOf(settings, weight), secret("rounding"))
      : encodeUpdate(values, clipNorm!, encoding.mechanism, {
          rotation: rotationKey(settings, round),
          rounding: secret("rounding"),
          noise: secret("noise"),
        });
  return { ...update, vectors: { [INTEGERS]: integers } };
}

/** [size + 2]: what `quantize` makes, and how many values it cuts to the range, as a share of all in units of 1 / levels. */
function quantized(
  settings: SecureSumSettings,
  rule: Quantization,
  values: Vector,
  weight: number,
  stream: RandomStream,
): Float64Array {
  const integers = new Float64Array(integerCount(settings));
  integers.set(quantize(values, weight, rule, stream));
  let cut = 0;
  for (let i = 0; i < values.length; i++) if (Math.abs(values[i]!) > rule.range) cut++;
  integers[integers.length - 1] = Math.round((cut / values.length) * levels(rule));
  return integers;
}

/** Share of the values of all updates in a sum that were cut to the range; undefined with noise, which has no range. */
export function cutShare({ encoding }: SecureSumSettings, sum: Uint32Array, survivors: number): number | undefined {
  return encoding.kind === "noised" ? undefined : sum.at(-1)! / (survivors * levels(encoding.rule));
}

/** What the server half of the method is given, written into `out` [size], from a sum over so many survivors. */
export function decodeIntegers(
  settings: SecureSumSettings,
  sum: Uint32Array,
  {
    round,
    survivors,
    clipNorm,
  }: { readonly round: number; readonly survivors: number; readonly clipNorm: number | undefined },
  out: Vector,
): void {
  const { encoding, aggregation } = settings;
  if (encoding.kind === "noised") {
    decodeSum(sum, clipNorm!, encoding.mechanism, rotationKey(settings, round), out);
    return;
  }
  const { mean } = dequantizeMean(sum.subarray(0, -1), survivors, encoding.rule);
  const factor = aggregation === "sum" ? survivors : 1;
  for (let i = 0; i < out.length; i++) out[i] = mean[i]! * factor;
}

/** Updates that count alike carry the largest weight, which costs the least by rounding. */
function weightOf({ encoding, aggregation }: SecureSumSettings, weight: number): number {
  if (aggregation === "weightedMean" || encoding.kind !== "quantized") return weight;
  return encoding.rule.maxWeight;
}

/** Public, and the same for all clients of a round. */
function rotationKey({ source }: SecureSumSettings, round: number): RandomKey {
  return deriveKey(rootKey(source.kind === "seeded" ? source.seed : 0), "rotation", round);
}

function secretStream({ source }: SecureSumSettings, purpose: string, round: number, client: number): RandomStream {
  if (source.kind === "secure") return secureStream();
  return randomStream(deriveKey(rootKey(source.seed), `secure-sum-${purpose}`, round, client));
}
