import { nn, reshape } from "@anabranch/engine";
import * as z from "zod";
import { classifier } from "./classifier.ts";
import type { Model } from "./model.ts";
import { dataOptions, scaleFeatures, scalingOptions, sizeOf } from "./options.ts";

/**
 * Options of `linear`, with their defaults.
 *
 * @example
 * ```ts
 * import { linearOptions } from "@anabranch/core";
 * linearOptions.parse({ input: [3] }).labelType; // => "float"
 * ```
 */
export const linearOptions = z.strictObject({
  ...dataOptions,
  ...scalingOptions,
  labelType: z.literal("float").default("float").describe("element type of the labels: numbers to predict"),
  classes: z.literal(1).default(1).describe("number of outputs"),
});

/**
 * Linear regression: one affine map to one number, with squared errors; convex.
 *
 * @example
 * ```ts
 * import { linear } from "@anabranch/core";
 * linear({ input: [3], inputType: "float" }).parameters.map(({ shape }) => shape); // => [[3, 1], [1]]
 * ```
 */
export function linear(options: z.input<typeof linearOptions> = {}): Model {
  const settings = linearOptions.parse(options);
  const inputs = sizeOf(settings.input);
  const initialization = { weight: () => nn.zeros, bias: () => nn.zeros };
  const network = nn.dense("linear", inputs, 1, { head: true, initialization });
  return classifier("linear", settings, network, (x) => reshape(scaleFeatures(x, settings), [x.shape[0]!, inputs]));
}
