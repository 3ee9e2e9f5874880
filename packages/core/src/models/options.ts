import { AnabranchError, cast, constant, mul, nn, reshape, sub, type Tensor } from "@anabranch/engine";
import * as z from "zod";

const extent = z.int().positive();

/** What every model is told about the data: types and shapes of one example. */
export const dataOptions = {
  input: z.array(extent).default([1, 28, 28]).describe("shape of one example's features"),
  inputType: z.enum(["uint8", "float", "int32"]).default("uint8").describe("element type of the features"),
  labelType: z
    .enum(["uint8", "int32", "float"])
    .default("uint8")
    .describe('element type of the labels; "float": numbers to predict'),
  classes: extent.default(10).describe("number of classes"),
};

/** Labels of models that predict classes alone. */
export const classLabels = {
  labelType: z.enum(["uint8", "int32"]).default("uint8").describe("element type of the labels: classes"),
};

/** Normalization between a layer and its activation. */
export const normOption = z.enum(["none", "batch"]).default("none");

/** Layers of a batch normalization called `name`, if any. */
export function normLayers(norm: z.output<typeof normOption>, name: string, channels: number): nn.Module[] {
  return norm === "batch" ? [nn.batchNorm(name, channels)] : [];
}

/** How raw bytes become network input: (x / 255 - mean) / std, one number or one for each channel. */
export const scalingOptions = {
  mean: z
    .array(z.number())
    .min(1)
    .default([0.5])
    .describe("subtracted after division by 255; one value, or one per channel"),
  std: z.array(z.number().positive()).min(1).default([0.5]).describe("divided by; one value, or one per channel"),
};

export interface Scaling {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Bytes to (x / 255 - mean) / std as one product and one difference; float features pass through. */
export function scaleFeatures(x: Tensor, { mean, std }: Scaling): Tensor {
  if (x.dtype === "float") return x;
  const channels = Math.max(mean.length, std.length);
  if (channels > 1 && [mean, std].some((values) => values.length > 1 && values.length !== x.shape[1])) {
    throw new AnabranchError({
      code: "model/scaling",
      message: "mean and std do not fit the channels",
      received: `mean [${mean.join(", ")}], std [${std.join(", ")}] for features [${x.shape.join(", ")}]`,
      expected: `one number, or ${x.shape[1]}`,
    });
  }
  const factor = Array.from({ length: channels }, (_, c) => 1 / (255 * at(std, c)));
  const offset = Array.from({ length: channels }, (_, c) => at(mean, c) / at(std, c));
  const shape = channels === 1 ? [] : [channels, ...x.shape.slice(2).map(() => 1)];
  return sub(mul(cast(x, "float"), constant(factor, shape)), constant(offset, shape));
}

function at(values: readonly number[], channel: number): number {
  return values.length === 1 ? values[0]! : values[channel]!;
}

/** Number of elements of one example. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** [channels, height, width] of images; a missing channel axis is one channel. Throws `model/input`. */
export function imageShape(model: string, input: readonly number[]): readonly [number, number, number] {
  if (input.length === 3) return input as readonly number[] as readonly [number, number, number];
  if (input.length === 2) return [1, input[0]!, input[1]!];
  throw new AnabranchError({
    code: "model/input",
    message: "this model takes images",
    where: `model ${model}`,
    received: `features of shape [${input.join(", ")}]`,
    expected: "[channels, height, width] or [height, width]",
    advice: "Choose a model for this kind of data, e.g. mlp or logistic. For image-questions it is vilt.",
  });
}

/** Raw images [N, ...input] as scaled [N, channels, height, width]. */
export function prepareImages(x: Tensor, shape: readonly number[], scaling: Scaling): Tensor {
  const images = x.shape.length === shape.length + 1 ? x : reshape(x, [x.shape[0]!, ...shape]);
  return scaleFeatures(images, scaling);
}
