import { AnabranchError, mean, nn, reshape, type Tensor, transpose } from "@anabranch/engine";
import * as z from "zod";
import { withBlocks } from "./classifier.ts";
import type { Model } from "./model.ts";
import { dataOptions, imageShape, scaleFeatures, scalingOptions } from "./options.ts";
import { promptsBefore, withoutPrompts } from "./soft-prompts.ts";

/**
 * Options of the model, with defaults and descriptions.
 *
 * @example
 * ```ts
 * import { vitOptions } from "@anabranch/core";
 * vitOptions.parse({}).patch; // => 4
 * ```
 */
export const vitOptions = z.strictObject({
  ...dataOptions,
  ...scalingOptions,
  input: dataOptions.input.default([3, 32, 32]),
  patch: z.int().positive().default(4).describe("side of a patch in pixels"),
  width: z.int().positive().default(64).describe("width of a token"),
  depth: z.int().positive().max(256).default(4).describe("number of blocks"),
  heads: z.int().positive().default(4).describe("attention heads"),
  dropout: z.number().min(0).lt(1).default(0).describe("rate on the residual branches"),
});

/**
 * Small vision transformer: patches, learned positions, pre-norm blocks, mean over tokens, linear.
 * A. Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021, arXiv:2010.11929; mean pooling instead of a class
 * token as in X. Zhai et al., "Scaling Vision Transformers", CVPR 2022, arXiv:2106.04560.
 *
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * import { vit } from "@anabranch/core";
 * nn.countParameters(vit({ input: [3, 32, 32] }).parameters); // => 207946
 * ```
 */
export function vit(options: z.input<typeof vitOptions> = {}): Model {
  return promptedVit(options, 0);
}

/** The same behind learned tokens, over which the mean is not taken. */
export function promptedVit(options: z.input<typeof vitOptions>, prompts: number): Model {
  const settings = vitOptions.parse(options);
  const { patch, width, heads, dropout } = settings;
  const shape = imageShape("vit", settings.input);
  const [rows, columns] = patchGrid("vit", shape, patch);
  const length = rows * columns;
  const initialization = nn.normalInitialization;
  const blocks = Array.from({ length: settings.depth }, (_, i) =>
    nn.transformerBlock(`block${i + 1}`, { width, heads, dropout, length: prompts + length }),
  );
  const before = nn.sequential(
    nn.dense("patches", shape[0] * patch * patch, width, { initialization }),
    nn.positionEmbedding("positions", length, width),
    promptsBefore(prompts, width),
  );
  const after = nn.sequential(
    withoutPrompts(prompts),
    nn.layerNorm("norm", width),
    nn.stateless((x) => mean(x, [1])),
    nn.dense("head", width, settings.classes, { head: true, initialization }),
  );
  return withBlocks("vit", settings, {
    ...{ before, blocks, after, activation: [prompts + length, width] },
    prepare: (x) => toPatches(x, shape, patch, settings),
  });
}

/** Patches of an image by rows and columns. Throws `model/input` where it does not divide into them. */
export function patchGrid(
  model: string,
  [, height, breadth]: readonly [number, number, number],
  patch: number,
): readonly [rows: number, columns: number] {
  if (height % patch === 0 && breadth % patch === 0) return [height / patch, breadth / patch];
  throw new AnabranchError({
    code: "model/input",
    message: "images do not divide into patches",
    where: `model ${model}`,
    received: `images ${height} x ${breadth}, patch ${patch}`,
    expected: "height and width that are multiples of the patch",
  });
}

/** Raw images [N, ...] as scaled patches [N, tokens, channels * patch * patch]. */
export function toPatches(
  x: Tensor,
  [channels, height, width]: readonly [number, number, number],
  patch: number,
  scaling: Parameters<typeof scaleFeatures>[1],
): Tensor {
  const n = x.shape[0]!;
  const rows = height / patch;
  const columns = width / patch;
  const images = scaleFeatures(reshape(x, [n, channels, height, width]), scaling);
  const cells = reshape(images, [n, channels, rows, patch, columns, patch]);
  return reshape(transpose(cells, [0, 2, 4, 1, 3, 5]), [n, rows * columns, channels * patch * patch]);
}
