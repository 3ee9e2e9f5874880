import { nn } from "@anabranch/engine";
import * as z from "zod";
import { classifier } from "./classifier.ts";
import type { Model } from "./model.ts";
import { dataOptions, imageShape, normLayers, normOption, prepareImages, scalingOptions } from "./options.ts";

/**
 * Options of the model, with defaults and descriptions.
 *
 * @example
 * ```ts
 * import { cnnCifarOptions } from "@anabranch/core";
 * cnnCifarOptions.parse({}).channels; // => [32, 64]
 * ```
 */
export const cnnCifarOptions = z.strictObject({
  ...dataOptions,
  ...scalingOptions,
  input: dataOptions.input.default([3, 32, 32]),
  channels: z.array(z.int().positive()).length(2).default([32, 64]).describe("filters of the two convolutions"),
  hidden: z.int().positive().default(128).describe("width of the dense layer"),
  dropout: z.array(z.number().min(0).lt(1)).length(2).default([0.25, 0.5]).describe("rates after pool and dense layer"),
  norm: normOption.describe('normalization of convolutions before their activation: "none" or "batch"'),
});

/**
 * The CNN of the common simulation benchmark on CIFAR-10: conv 3x3x32, conv 3x3x64 (both without padding), pool, dropout
 * 0.25, dense 128, dropout 0.5, dense; relu between, Glorot-uniform. 1,626,442 parameters.
 * Source: apple/pfl-research, benchmarks, simple CNN.
 *
 * @example
 * ```ts
 * import { cnnCifar } from "@anabranch/core";
 * import { nn } from "@anabranch/engine";
 * nn.countParameters(cnnCifar({ input: [3, 32, 32] }).parameters); // => 1626442
 * ```
 */
export function cnnCifar(options: z.input<typeof cnnCifarOptions> = {}): Model {
  const settings = cnnCifarOptions.parse(options);
  const shape = imageShape("cnn-cifar", settings.input);
  const [channels, height, width] = shape;
  const [first, second] = settings.channels as [number, number];
  const [early, late] = settings.dropout as [number, number];
  const pooled = [second, Math.floor((height - 4) / 2), Math.floor((width - 4) / 2)];
  const initialization = nn.glorotInitialization;
  const network = nn.sequential(
    nn.conv2d("conv1", channels, first, 3, { initialization }),
    ...normLayers(settings.norm, "norm1", first),
    nn.relu,
    nn.conv2d("conv2", first, second, 3, { initialization }),
    ...normLayers(settings.norm, "norm2", second),
    nn.relu,
    nn.maxPool(2),
    nn.dropout("dropout1", pooled, early),
    nn.flatten,
    nn.dense("dense1", pooled[0]! * pooled[1]! * pooled[2]!, settings.hidden, { initialization }),
    nn.relu,
    nn.dropout("dropout2", [settings.hidden], late),
    nn.dense("dense2", settings.hidden, settings.classes, { head: true, initialization }),
  );
  return classifier("cnn-cifar", settings, network, (x) => prepareImages(x, shape, settings));
}
