import { log, neg, nn, reshape, sigmoid, silu, type Tensor } from "@anabranch/engine";
import * as z from "zod";
import { classifier, withBlocks } from "./classifier.ts";
import type { Model } from "./model.ts";
import { dataOptions, normLayers, normOption, scaleFeatures, scalingOptions, sizeOf } from "./options.ts";

const activations = {
  relu: nn.relu,
  sigmoid: nn.stateless(sigmoid),
  tanh: nn.tanh,
  gelu: nn.gelu,
  silu: nn.stateless(silu),
  softplus: nn.stateless((x) => neg(log(sigmoid(neg(x))))),
} as const;

/**
 * Options of the model, with defaults and descriptions.
 *
 * @example
 * ```ts
 * import { mlpOptions } from "@anabranch/core";
 * mlpOptions.parse({}).hidden; // => [200]
 * ```
 */
export const mlpOptions = z.strictObject({
  ...dataOptions,
  ...scalingOptions,
  hidden: z.array(z.int().positive()).max(256).default([200]).describe("widths of the hidden layers"),
  activation: z
    .enum(Object.keys(activations) as (keyof typeof activations)[])
    .default("relu")
    .describe("function between the layers"),
  norm: normOption.describe('normalization of hidden layers before their activation: "none" or "batch"'),
  bias: z.boolean().default(true).describe("whether layers have a bias"),
});

/**
 * Dense layers with an activation between them, relu by default; 784-200-10 by default: 159,010 parameters.
 *
 * @example
 * ```ts
 * import { mlp } from "@anabranch/core";
 * import { nn } from "@anabranch/engine";
 * const { parameters } = mlp({ input: [784], hidden: [200], classes: 10 });
 * nn.countParameters(parameters); // => 159010
 * ```
 */
export function mlp(options: z.input<typeof mlpOptions> = {}): Model {
  const settings = mlpOptions.parse(options);
  const widths = [sizeOf(settings.input), ...settings.hidden, settings.classes];
  const layers = widths.slice(1).map((outputs, i) => {
    const last = i === widths.length - 2;
    const layer = nn.dense(`dense${i + 1}`, widths[i]!, outputs, { head: last, bias: settings.bias });
    if (last) return layer;
    return nn.sequential(
      layer,
      ...normLayers(settings.norm, `norm${i + 1}`, outputs),
      activations[settings.activation],
    );
  });
  const prepare = (x: Tensor) => reshape(scaleFeatures(x, settings), [x.shape[0]!, widths[0]!]);
  const [before, ...rest] = layers;
  const [width] = settings.hidden;
  if (width === undefined || settings.hidden.some((other) => other !== width))
    return classifier("mlp", settings, nn.sequential(...layers), prepare);
  const after = rest.pop()!;
  return withBlocks("mlp", settings, { before: before!, blocks: rest, after, prepare, activation: [width] });
}
