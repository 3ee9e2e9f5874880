import { nn } from "@anabranch/engine";
import * as z from "zod";
import { classifier } from "./classifier.ts";
import type { Model } from "./model.ts";
import { dataOptions, imageShape, prepareImages, scalingOptions } from "./options.ts";

/**
 * Options of the model, with defaults and descriptions.
 *
 * @example
 * ```ts
 * import { lenet5Options } from "@anabranch/core";
 * lenet5Options.parse({}).std; // => [0.5]
 * ```
 */
export const lenet5Options = z.strictObject({
  ...dataOptions,
  ...scalingOptions,
  input: dataOptions.input.default([3, 32, 32]),
});

/**
 * "LeNet-5" as the federated-learning literature after FedDyn uses the name: conv 5x5x64, pool, conv 5x5x64, pool, dense
 * 384, 192, classes; relu between. On [3, 32, 32]: 797,962 parameters for 10 classes, 815,332 for 100.
 * D. A. E. Acar et al., "Federated Learning Based on Dynamic Regularization", ICLR 2021, arXiv:2111.04263, appendix.
 *
 * @example
 * ```ts
 * import { lenet5 } from "@anabranch/core";
 * import { nn } from "@anabranch/engine";
 * nn.countParameters(lenet5({ input: [3, 32, 32] }).parameters); // => 797962
 * ```
 */
export function lenet5(options: z.input<typeof lenet5Options> = {}): Model {
  const settings = lenet5Options.parse(options);
  const shape = imageShape("lenet5", settings.input);
  const [channels, height, width] = shape;
  const pooled = (extent: number) => Math.floor((Math.floor((extent - 4) / 2) - 4) / 2);
  const network = nn.sequential(
    nn.conv2d("conv1", channels, 64, 5),
    nn.relu,
    nn.maxPool(2),
    nn.conv2d("conv2", 64, 64, 5),
    nn.relu,
    nn.maxPool(2),
    nn.flatten,
    nn.dense("fc1", 64 * pooled(height) * pooled(width), 384),
    nn.relu,
    nn.dense("fc2", 384, 192),
    nn.relu,
    nn.dense("fc3", 192, settings.classes, { head: true }),
  );
  return classifier("lenet5", settings, network, (x) => prepareImages(x, shape, settings));
}
