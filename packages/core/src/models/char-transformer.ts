import { AnabranchError, cast, nn } from "@anabranch/engine";
import * as z from "zod";
import { countedPositions } from "./counted-positions.ts";
import { classification, type Model } from "./model.ts";
import { classLabels, dataOptions } from "./options.ts";
import { behindPrompts } from "./soft-prompts.ts";

/**
 * Options of the model, with defaults and descriptions.
 *
 * @example
 * ```ts
 * import { charTransformerOptions } from "@anabranch/core";
 * charTransformerOptions.parse({}).depth; // => 4
 * ```
 */
export const charTransformerOptions = z.strictObject({
  ...dataOptions,
  ...classLabels,
  input: dataOptions.input.default([64]).describe("[T], the number of characters seen at once"),
  classes: dataOptions.classes.default(96).describe("size of the vocabulary"),
  width: z.int().positive().default(128).describe("width of a token"),
  depth: z.int().positive().max(256).default(4).describe("number of blocks"),
  heads: z.int().positive().default(4).describe("attention heads"),
  dropout: z.number().min(0).lt(1).default(0).describe("rate after the embedding and on the residual branches"),
  ignoredLabel: z
    .int()
    .min(0)
    .optional()
    .describe("label of positions that do not count, such as those of a prompt; omitted: all count"),
  score: z
    .enum(["share", "exact"])
    .default("share")
    .describe('accuracy of an example: "share" of the tokens that are right, or "exact": 1 if all of them are'),
});

/**
 * Decoder-only transformer over characters: predicts at each position the next one. Features [N, T] and labels [N, T] are
 * indices below `classes`, labels shifted by one; outputs [N, T, classes].
 * A. Radford et al., "Language Models are Unsupervised Multitask Learners", 2019 (GPT-2: pre-norm, learned positions,
 * normal 0.02), with a classifier of its own instead of the transposed embedding.
 *
 * @example
 * ```ts
 * import { charTransformer } from "@anabranch/core";
 * import { nn } from "@anabranch/engine";
 * nn.countParameters(charTransformer({ input: [64], inputType: "uint8", classes: 96 }).parameters); // => 826208
 * ```
 */
export function charTransformer(options: z.input<typeof charTransformerOptions> = {}): Model {
  return promptedTransformer(options, 0);
}

/** The same behind learned tokens, which predict nothing. */
export function promptedTransformer(options: z.input<typeof charTransformerOptions>, prompts: number): Model {
  const settings = charTransformerOptions.parse(options);
  const { classes, width, heads, dropout, inputType, ignoredLabel, score } = settings;
  const length = settings.input[0]!;
  if (settings.input.length !== 1 || inputType === "float") {
    throw new AnabranchError({
      code: "model/input",
      message: "this model takes sequences of indices",
      where: "model char-transformer",
      received: `${inputType}[${settings.input.join(", ")}]`,
      expected: "uint8[T] or int32[T]",
    });
  }
  const blocks = Array.from({ length: settings.depth }, (_, i) =>
    nn.transformerBlock(`block${i + 1}`, { width, heads, causal: true, dropout, length: prompts + length }),
  );
  const network = nn.sequential(
    nn.embedding("tokens", classes, width),
    nn.positionEmbedding("positions", length, width),
    nn.dropout("dropout", [length, width], dropout),
    behindPrompts(prompts, width, nn.sequential(...blocks)),
    nn.layerNorm("norm", width),
    nn.dense("head", width, classes, { head: true, initialization: nn.normalInitialization }),
  );
  return {
    name: "char-transformer",
    parameters: network.parameters,
    masks: network.masks,
    features: { dtype: inputType, shape: [length] },
    labels: { dtype: settings.labelType, shape: [length] },
    ...(ignoredLabel === undefined && score === "share"
      ? classification(classes)
      : countedPositions({ classes, ignoredLabel, score })),
    forward: (parameters, features, context) => network.apply(parameters, cast(features, "int32"), context),
  };
}
