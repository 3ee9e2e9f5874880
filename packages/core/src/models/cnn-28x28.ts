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
 * import { cnn28Options } from "@anabranch/core";
 * cnn28Options.parse({}).hidden; // => 512
 * ```
 */
export const cnn28Options = z.strictObject({
  ...dataOptions,
  ...scalingOptions,
  hidden: z.int().positive().default(512).describe("width of the dense layer"),
  norm: normOption.describe('normalization of convolutions before their activation: "none" or "batch"'),
});

/**
 * The CNN of the FedAvg paper for 28 x 28 images: conv 5x5x32, pool, conv 5x5x64, pool, dense 512, dense; relu between,
 * convolutions padded to keep their size. 1,663,370 parameters with one channel and 10 classes.
 * H. B. McMahan et al., AISTATS 2017, arXiv:1602.05629, section 3.
 *
 * @example
 * ```ts
 * import { cnn28x28 } from "@anabranch/core";
 * import { nn } from "@anabranch/engine";
 * nn.countParameters(cnn28x28().parameters); // => 1663370
 * ```
 */
export function cnn28x28(options: z.input<typeof cnn28Options> = {}): Model {
  const settings = cnn28Options.parse(options);
  const shape = imageShape("cnn-28x28", settings.input);
  const [channels, height, width] = shape;
  const flat = 64 * Math.floor(height / 4) * Math.floor(width / 4);
  const network = nn.sequential(
    nn.conv2d("conv1", channels, 32, 5, { padding: 2 }),
    ...normLayers(settings.norm, "norm1", 32),
    nn.relu,
    nn.maxPool(2),
    nn.conv2d("conv2", 32, 64, 5, { padding: 2 }),
    ...normLayers(settings.norm, "norm2", 64),
    nn.relu,
    nn.maxPool(2),
    nn.flatten,
    nn.dense("dense1", flat, settings.hidden),
    nn.relu,
    nn.dense("dense2", settings.hidden, settings.classes, { head: true }),
  );
  return classifier("cnn-28x28", settings, network, (x) => prepareImages(x, shape, settings));
}
