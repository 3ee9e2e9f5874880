import { AnabranchError, cast, concat, nn, reshape, slice, type Tensor } from "@anabranch/engine";
import * as z from "zod";
import { withBlocks } from "./classifier.ts";
import type { Model } from "./model.ts";
import { classLabels, dataOptions, imageShape, scalingOptions, sizeOf } from "./options.ts";
import { forEachSequence, promptsBefore, withoutPrompts } from "./soft-prompts.ts";
import { patchGrid, toPatches } from "./vit.ts";

/**
 * Options of the model, with defaults and descriptions.
 *
 * @example
 * ```ts
 * import { viltOptions } from "@anabranch/core";
 * viltOptions.parse({}).words; // => 6
 * ```
 */
export const viltOptions = z.strictObject({
  ...dataOptions,
  ...classLabels,
  ...scalingOptions,
  input: dataOptions.input.default([790]).describe("[pixels + words], an image and a text behind it"),
  classes: dataOptions.classes.default(17).describe("number of answers"),
  image: z.array(z.int().positive()).default([1, 28, 28]).describe("shape of the image"),
  words: z.int().positive().default(6).describe("length of the text in words"),
  vocabulary: z.int().positive().default(32).describe("number of different words"),
  patch: z.int().positive().default(14).describe("side of a patch in pixels; 14 is an image of a grid"),
  width: z.int().positive().default(64).describe("width of a token"),
  depth: z.int().positive().max(256).default(2).describe("number of blocks"),
  heads: z.int().positive().default(4).describe("attention heads"),
  dropout: z.number().min(0).lt(1).default(0).describe("rate on the residual branches"),
});

/**
 * One transformer over an image and a text: patches by one linear layer and words by a table, with a position each, behind a
 * class token whose output gives the answer. Features [N, pixels + words] are the pixels of an image, then indices of words.
 * W. Kim, B. Son, I. Kim, "ViLT: Vision-and-Language Transformer Without Convolution or Region Supervision", ICML 2021,
 * arXiv:2102.03334. Positions of patches and of words are different parameters, so no type of a token is added to them.
 *
 * @throws `model/input` where the features are no image with a text behind it, or the image does not divide into patches
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * import { vilt } from "@anabranch/core";
 * nn.countParameters(vilt({ input: [790], classes: 17 }).parameters); // => 116625
 * ```
 */
export function vilt(options: z.input<typeof viltOptions> = {}): Model {
  return promptedVilt(options, 0);
}

/** The same behind learned tokens. */
export function promptedVilt(options: z.input<typeof viltOptions>, prompts: number): Model {
  const settings = viltOptions.parse(options);
  const { patch, width, heads, dropout, words, input } = settings;
  const shape = imageShape("vilt", settings.image);
  const pixels = sizeOf(shape);
  if (input.length !== 1 || input[0] !== pixels + words) throw noText(settings);
  const [rows, columns] = patchGrid("vilt", shape, patch);
  const length = 1 + rows * columns + words;
  const initialization = nn.normalInitialization;
  const patches = nn.dense("patches", shape[0] * patch * patch, width, { initialization });
  const tokens = nn.embedding("words", settings.vocabulary, width);
  const classToken = nn.parameter("class", "weight", [1, width], "embedding", nn.normal(0.02));
  const blocks = Array.from({ length: settings.depth }, (_, i) =>
    nn.transformerBlock(`block${i + 1}`, { width, heads, dropout, length: prompts + length }),
  );
  const tokensOf: nn.Module = {
    parameters: [...patches.parameters, ...tokens.parameters, classToken],
    masks: [],
    apply(parameters, x, context) {
      const part = (from: number, to: number) => slice(x, [0, from], [x.shape[0]!, to]);
      const seen = patches.apply(parameters, toPatches(part(0, pixels), shape, patch, settings), context);
      const read = tokens.apply(parameters, cast(part(pixels, pixels + words), "int32"), context);
      const first = forEachSequence(seen, reshape(parameters[classToken.name]!, [1, 1, width]));
      return concat([first, seen, read], 1);
    },
  };
  const before = nn.sequential(
    tokensOf,
    nn.positionEmbedding("positions", length, width),
    promptsBefore(prompts, width),
  );
  const after = nn.sequential(
    withoutPrompts(prompts),
    nn.layerNorm("norm", width),
    nn.stateless((x) => reshape(slice(x, [0, 0, 0], [x.shape[0]!, 1, width]), [x.shape[0]!, width])),
    nn.dense("head", width, settings.classes, { head: true, initialization }),
  );
  const parts = { before, blocks, after, activation: [prompts + length, width], prepare: (x: Tensor) => x };
  return { ...withBlocks("vilt", settings, parts), words };
}

function noText({ input, image, words }: z.output<typeof viltOptions>): AnabranchError {
  return new AnabranchError({
    code: "model/input",
    message: "this model takes an image and the words of a text in one row",
    where: "model vilt",
    received: `features of shape [${input.join(", ")}]`,
    expected: `[${sizeOf(image) + words}], the pixels of an image [${image.join(", ")}] and ${words} words`,
    advice: "Choose data with questions, such as image-questions, or set model.image and model.words.",
  });
}
