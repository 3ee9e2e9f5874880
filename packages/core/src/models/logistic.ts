import { nn, reshape } from "@anabranch/engine";
import * as z from "zod";
import { classifier } from "./classifier.ts";
import type { Model } from "./model.ts";
import { classLabels, dataOptions, scaleFeatures, scalingOptions, sizeOf } from "./options.ts";

/**
 * Options of the model, with defaults and descriptions.
 *
 * @example
 * ```ts
 * import { logisticOptions } from "@anabranch/core";
 * logisticOptions.parse({}).classes; // => 10
 * ```
 */
export const logisticOptions = z.strictObject({ ...dataOptions, ...classLabels, ...scalingOptions });

/**
 * Multinomial logistic regression: one affine map; convex. 7,850 parameters on 28 x 28 images.
 *
 * @example
 * ```ts
 * import { logistic } from "@anabranch/core";
 * import { nn } from "@anabranch/engine";
 * nn.countParameters(logistic({ input: [784], classes: 10 }).parameters); // => 7850
 * ```
 */
export function logistic(options: z.input<typeof logisticOptions> = {}): Model {
  const settings = logisticOptions.parse(options);
  const inputs = sizeOf(settings.input);
  const initialization = { weight: () => nn.zeros, bias: () => nn.zeros };
  const network = nn.dense("linear", inputs, settings.classes, { head: true, initialization });
  return classifier("logistic", settings, network, (x) => reshape(scaleFeatures(x, settings), [x.shape[0]!, inputs]));
}
