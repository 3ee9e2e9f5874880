import { mean, nn } from "@anabranch/engine";
import * as z from "zod";
import { classifier } from "./classifier.ts";
import type { Model } from "./model.ts";
import { dataOptions, imageShape, prepareImages, scalingOptions } from "./options.ts";

/**
 * Options of the model, with defaults and descriptions.
 *
 * @example
 * ```ts
 * import { resnetOptions } from "@anabranch/core";
 * resnetOptions.parse({}).groups; // => 2
 * ```
 */
export const resnetOptions = z.strictObject({
  ...dataOptions,
  ...scalingOptions,
  input: dataOptions.input.default([3, 32, 32]),
  norm: z
    .enum(["group", "batch"])
    .default("group")
    .describe('normalization after every convolution: "group" or "batch"'),
  groups: z.int().positive().default(2).describe("groups of every GroupNorm"),
});

/** Channels of the stages and number of basic blocks in each; every stage but the first halves the image. */
interface ResnetSpec {
  readonly widths: readonly number[];
  readonly blocks: readonly number[];
}

const specs = {
  resnet8: { widths: [16, 32, 64], blocks: [1, 1, 1] },
  resnet10: { widths: [64, 128, 256, 512], blocks: [1, 1, 1, 1] },
  resnet18: { widths: [64, 128, 256, 512], blocks: [2, 2, 2, 2] },
} as const satisfies Record<string, ResnetSpec>;

/**
 * The small CIFAR residual network of 3 blocks, widths 16-32-64; 78,042 parameters on [3, 32, 32] with 10 classes.
 *
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * import { resnet8 } from "@anabranch/core";
 * nn.countParameters(resnet8({ input: [3, 32, 32] }).parameters); // => 78042
 * ```
 */
export const resnet8 = (options: z.input<typeof resnetOptions> = {}): Model => resnet("resnet8", options);
/**
 * One basic block a stage, widths 64 to 512; 4,903,242 parameters on [3, 32, 32] with 10 classes.
 *
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * import { resnet10 } from "@anabranch/core";
 * nn.countParameters(resnet10({ input: [3, 32, 32] }).parameters); // => 4903242
 * ```
 */
export const resnet10 = (options: z.input<typeof resnetOptions> = {}): Model => resnet("resnet10", options);
/**
 * Two basic blocks a stage, widths 64 to 512; 11,173,962 parameters on [3, 32, 32] with 10 classes.
 *
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * import { resnet18 } from "@anabranch/core";
 * nn.countParameters(resnet18({ input: [3, 32, 32] }).parameters); // => 11173962
 * ```
 */
export const resnet18 = (options: z.input<typeof resnetOptions> = {}): Model => resnet("resnet18", options);

/**
 * Residual network for small images: 3x3 stem without pooling, basic blocks, 1x1 projection shortcuts, global average
 * pooling, linear. Group normalization by default: running statistics of batches suffer from unlike clients.
 * K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, arXiv:1512.03385;
 * K. Hsieh et al., "The Non-IID Data Quagmire of Decentralized Machine Learning", ICML 2020, arXiv:1910.00189.
 */
function resnet(name: keyof typeof specs, options: z.input<typeof resnetOptions>): Model {
  const settings = resnetOptions.parse(options);
  const shape = imageShape(name, settings.input);
  const { widths, blocks }: ResnetSpec = specs[name];
  const layers: nn.Module[] = [normalized("stem", shape[0], widths[0]!, 3, 1, settings), nn.relu];
  let channels = widths[0]!;
  for (const [stage, width] of widths.entries()) {
    for (let block = 0; block < blocks[stage]!; block++) {
      const stride = stage > 0 && block === 0 ? 2 : 1;
      layers.push(basicBlock(`stage${stage + 1}.${block}`, channels, width, stride, settings), nn.relu);
      channels = width;
    }
  }
  layers.push(nn.stateless((x) => mean(x, [2, 3])));
  layers.push(nn.dense("linear", channels, settings.classes, { head: true }));
  return classifier(name, settings, nn.sequential(...layers), (x) => prepareImages(x, shape, settings));
}

type Norms = Pick<z.output<typeof resnetOptions>, "norm" | "groups">;

/** Convolution without bias that keeps the size at stride 1, then normalization. */
function normalized(
  name: string,
  inputs: number,
  outputs: number,
  size: number,
  stride: number,
  norms: Norms,
): nn.Module {
  const padding = (size - 1) / 2;
  return nn.sequential(
    nn.conv2d(`${name}.conv`, inputs, outputs, size, { stride, padding, bias: false }),
    norms.norm === "batch"
      ? nn.batchNorm(`${name}.norm`, outputs)
      : nn.groupNorm(`${name}.norm`, outputs, norms.groups),
  );
}

function basicBlock(name: string, inputs: number, outputs: number, stride: number, norms: Norms): nn.Module {
  const body = nn.sequential(
    normalized(`${name}.first`, inputs, outputs, 3, stride, norms),
    nn.relu,
    normalized(`${name}.second`, outputs, outputs, 3, 1, norms),
  );
  const plain = stride === 1 && inputs === outputs;
  return nn.residual(body, plain ? undefined : normalized(`${name}.shortcut`, inputs, outputs, 1, stride, norms));
}
