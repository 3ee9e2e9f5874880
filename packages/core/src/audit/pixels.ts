/** Between the values that a network takes and pixels in [0, 1], which metrics are about. */
import { AnabranchError, compileProgram, type Executor, type HostTensor, trace } from "@anabranch/engine";
import { parameterInputs } from "../client/vectors.ts";
import type { Model } from "../models/model.ts";
import { sizeOf } from "../models/options.ts";
import { entryTypes, layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import { executorFloats } from "./executor-floats.ts";
import type { Box } from "./inverting-gradients.ts";

/** How the values of one example are scaled: pixel * factor + offset is what the network takes. */
export interface PixelScale {
  /** One number per value of an example, [features]. */
  readonly factor: Float64Array;
  readonly offset: Float64Array;
}

/** One value, or one per channel. */
type PerChannel = number | readonly number[];

/**
 * The scale of a model for bytes: the first of some candidates under which float features give the outputs that bytes give.
 *
 * @param scaling mean and standard deviation that the model may subtract and divide by, as built-in models do
 * @throws `audit/model` where none fits, as with an own model that prepares bytes in another way
 *
 * @example
 * ```ts
 * import { logistic, pixelScale } from "@anabranch/core";
 * import { interpreter } from "@anabranch/engine";
 * const model = logistic({ input: [1, 1, 1], classes: 2 });
 * const example = { dtype: "uint8", shape: [1, 1, 1, 1], data: Uint8Array.of(200) } as const;
 * const [weights, scaling] = [Float64Array.of(0, 0, 1, -1), { mean: 0.5, std: 0.5 }];
 * const { factor, offset } = await pixelScale(model, weights, example, scaling, interpreter());
 * [...factor, ...offset]; // => [2, -1]
 * ```
 */
export async function pixelScale(
  model: Model,
  parameters: Vector,
  example: HostTensor,
  scaling: { readonly mean: PerChannel; readonly std: PerChannel },
  executor: Executor,
): Promise<PixelScale> {
  const size = sizeOf(model.features.shape);
  const expand = (value: PerChannel) => {
    const values = typeof value === "number" ? [value] : value;
    const each = size / (values.length === 1 ? 1 : values.length);
    return Float64Array.from({ length: size }, (_, i) => values[values.length === 1 ? 0 : Math.floor(i / each)]!);
  };
  const [mean, std] = [expand(scaling.mean), expand(scaling.std)];
  const candidates: PixelScale[] = [
    { factor: std.map((value) => 1 / value), offset: std.map((value, i) => -mean[i]! / value) },
    { factor: expand(255), offset: expand(0) },
    { factor: expand(1), offset: expand(0) },
  ];
  const expected = await outputsOf(model, parameters, example, executor);
  for (const scale of candidates) {
    const pixels = pixelsOf(example);
    const data = Float64Array.from(pixels, (pixel, i) => pixel * scale.factor[i % size]! + scale.offset[i % size]!);
    const received = await outputsOf(model, parameters, { dtype: "float", shape: example.shape, data }, executor);
    const far = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - received[i]!)), 0);
    if (far <= 1e-3 * (1 + expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0))) return scale;
  }
  throw new AnabranchError({
    code: "audit/model",
    message: "the model prepares bytes in a way that the audit does not know",
    where: `model ${model.name}`,
    expected: "(x / 255 - mean) / std with the mean and std of the configuration",
    advice: "Set model.mean and model.std, or pass float features through as they are.",
  });
}

/**
 * The scale of float features: their range over the client's own examples becomes [0, 1].
 *
 * @example
 * ```ts
 * import { rangeScale } from "@anabranch/core";
 * rangeScale({ dtype: "float", shape: [2, 1], data: Float32Array.of(-1, 3) }); // => { factor: [4], offset: [-1] }
 * ```
 */
export function rangeScale(features: HostTensor): PixelScale {
  const size = sizeOf(features.shape.slice(1));
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of features.data) [low, high] = [Math.min(low, value), Math.max(high, value)];
  const range = high > low ? high - low : 1;
  return { factor: new Float64Array(size).fill(range), offset: new Float64Array(size).fill(low) };
}

/** Bytes as pixels in [0, 1]. */
function pixelsOf({ data }: HostTensor): Float64Array {
  return Float64Array.from(data, (value) => value / 255);
}

/**
 * True examples as values in [0, 1], one per row.
 *
 * @example
 * ```ts
 * import { rangeScale, truePixels } from "@anabranch/core";
 * const features = { dtype: "float", shape: [3, 1], data: Float32Array.of(-1, 1, 3) } as const;
 * truePixels(features, rangeScale(features)); // => [[0], [0.5], [1]]
 * ```
 */
export function truePixels(features: HostTensor, { factor, offset }: PixelScale): Float64Array[] {
  const [count, size] = [features.shape[0]!, factor.length];
  const scaled =
    features.dtype === "uint8"
      ? pixelsOf(features)
      : Float64Array.from(features.data, (value, i) => (value - offset[i % size]!) / factor[i % size]!);
  return Array.from({ length: count }, (_, row) => scaled.slice(row * size, (row + 1) * size));
}

/**
 * Values in [0, 1] as a network takes them.
 *
 * @example
 * ```ts
 * import { trueInputs } from "@anabranch/core";
 * const scale = { factor: Float64Array.of(4), offset: Float64Array.of(-1) };
 * trueInputs([Float64Array.of(0.5)], scale); // => [[1]]
 * ```
 */
export function trueInputs(pixels: readonly Float64Array[], { factor, offset }: PixelScale): Float64Array[] {
  return pixels.map((row) => row.map((value, i) => value * factor[i]! + offset[i]!));
}

/** What a network takes as values in [0, 1], clipped. */
export function toPixels(example: ArrayLike<number>, { factor, offset }: PixelScale): Float64Array {
  return Float64Array.from(example, (value, i) => Math.min(1, Math.max(0, (value - offset[i]!) / factor[i]!)));
}

/** The box of all pixels in [0, 1]. */
export function pixelBox({ factor, offset }: PixelScale): Box {
  const ends = [0, 1].map((pixel) => factor.map((value, i) => pixel * value + offset[i]!));
  return {
    low: ends[0]!.map((end, i) => Math.min(end, ends[1]![i]!)),
    high: ends[1]!.map((end, i) => Math.max(end, ends[0]![i]!)),
  };
}

async function outputsOf(model: Model, parameters: Vector, x: HostTensor, executor: Executor): Promise<number[]> {
  const of = layout(model.parameters);
  const types = { parameters: entryTypes(of), x: { dtype: x.dtype, shape: x.shape } } as const;
  const traced = trace((inputs) => ({ outputs: model.forward(inputs.parameters, inputs.x) }), types);
  const executable = await executor.load(compileProgram("outputs", traced));
  try {
    const data = x.dtype === "float" ? executorFloats(executor, x.data as Vector) : x.data;
    const { outputs } = await executable.run({
      ...parameterInputs("parameters", executorFloats(executor, parameters), of),
      x: { ...x, data },
    });
    return Array.from(outputs!.data);
  } finally {
    await executable.release();
  }
}
