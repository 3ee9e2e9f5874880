import { AnabranchError, type HostTensor } from "@anabranch/engine";
import type * as z from "zod";
import { bottleneckOptions, withBottlenecks } from "./bottlenecks.ts";
import { charTransformer, charTransformerOptions, promptedTransformer } from "./char-transformer.ts";
import { cnn28Options, cnn28x28 } from "./cnn-28x28.ts";
import { cnnCifar, cnnCifarOptions } from "./cnn-cifar.ts";
import { gcn, gcnOptions } from "./gcn.ts";
import { poolOptions, withPool } from "./instance-pool.ts";
import { lenet5, lenet5Options } from "./lenet5.ts";
import { linear, linearOptions } from "./linear.ts";
import { logistic, logisticOptions } from "./logistic.ts";
import { adapterOptions, withAdapters } from "./low-rank-adapters.ts";
import { mlp, mlpOptions } from "./mlp.ts";
import type { Model } from "./model.ts";
import { quadratic, quadraticOptions } from "./quadratic.ts";
import { resnet8, resnet10, resnet18, resnetOptions } from "./resnet.ts";
import { shardOptions, withShards } from "./shards.ts";
import { noPrompts } from "./soft-prompts.ts";
import { promptedVilt, vilt, viltOptions } from "./vilt.ts";
import { promptedVit, vit, vitOptions } from "./vit.ts";

/** Builds a model from options; throws a ZodError where they do not fit its schema in `modelOptions`. */
export type ModelFactory = (options?: Record<string, unknown>) => Model;

/**
 * The models by the name users type.
 *
 * @example
 * ```ts
 * import { models } from "@anabranch/core";
 * Object.keys(models).includes("mlp"); // => true
 * ```
 */
export const models = {
  "char-transformer": charTransformer as ModelFactory,
  "cnn-28x28": cnn28x28 as ModelFactory,
  "cnn-cifar": cnnCifar as ModelFactory,
  gcn: gcn as ModelFactory,
  lenet5: lenet5 as ModelFactory,
  linear: linear as ModelFactory,
  logistic: logistic as ModelFactory,
  mlp: mlp as ModelFactory,
  quadratic: quadratic as ModelFactory,
  resnet10: resnet10 as ModelFactory,
  resnet18: resnet18 as ModelFactory,
  resnet8: resnet8 as ModelFactory,
  vilt: vilt as ModelFactory,
  vit: vit as ModelFactory,
} satisfies Record<string, ModelFactory>;

export type ModelName = keyof typeof models;

/** Models that can have learned tokens in front of their sequences. */
const prompted: Readonly<Record<string, (options: Record<string, unknown>, prompts: number) => Model>> = {
  "char-transformer": promptedTransformer,
  vilt: promptedVilt,
  vit: promptedVit,
};

/**
 * The schema of each model's options, with defaults and descriptions.
 *
 * @example
 * ```ts
 * import { modelOptions } from "@anabranch/core";
 * modelOptions.mlp.parse({}).hidden; // => [200]
 * ```
 */
export const modelOptions: Readonly<Record<ModelName, z.ZodObject>> = {
  "char-transformer": charTransformerOptions,
  "cnn-28x28": cnn28Options,
  "cnn-cifar": cnnCifarOptions,
  gcn: gcnOptions,
  lenet5: lenet5Options,
  linear: linearOptions,
  logistic: logisticOptions,
  mlp: mlpOptions,
  quadratic: quadraticOptions,
  resnet10: resnetOptions,
  resnet18: resnetOptions,
  resnet8: resnetOptions,
  vilt: viltOptions,
  vit: vitOptions,
};

/** What a model must know of a data set: an `ArrayDataset` fits. */
export interface ModelData {
  readonly features: Pick<HostTensor, "dtype" | "shape">;
  readonly labels: Pick<HostTensor, "dtype" | "shape">;
  readonly classes: number;
}

/**
 * A model by name for a data set [n, ...]; options override what the data say. `adapters` among them adds low-rank adapters,
 * `shards` such from pools, `bottlenecks` adapters after layers, `pool` a pool of FedIns, and `prompts` so many learned tokens.
 * Throws `model/unknown`, `model/option` or `adapters/prompts`.
 *
 * @example
 * ```ts
 * import { createModel } from "@anabranch/core";
 * const features = { dtype: "float", shape: [8, 4] } as const;
 * const data = { features, labels: { dtype: "uint8", shape: [8] }, classes: 2 } as const;
 * createModel("mlp", data, { hidden: [16] }).parameters.length; // => 4
 * ```
 */
export function createModel(
  name: string,
  data: ModelData,
  { adapters, bottlenecks, pool, prompts, shards, ...options }: Readonly<Record<string, unknown>> = {},
): Model {
  const model = modelAlone(name, data, options);
  if (prompts !== undefined) {
    if (!Object.hasOwn(prompted, name)) throw noPrompts(name);
    return { ...prompted[name]!(optionsFor(data, options), prompts as number), base: model };
  }
  if (pool !== undefined) return withPool(model, poolOptions.parse(pool));
  if (shards !== undefined) return withShards(model, shardOptions.parse(shards));
  if (bottlenecks !== undefined) return withBottlenecks(model, bottleneckOptions.parse(bottlenecks));
  return adapters === undefined ? model : withAdapters(model, adapterOptions.parse(adapters));
}

function modelAlone(name: string, data: ModelData, options: Readonly<Record<string, unknown>>): Model {
  if (!Object.hasOwn(models, name)) {
    throw new AnabranchError({
      code: "model/unknown",
      message: "unknown model",
      received: name,
      expected: Object.keys(models).join(", "),
    });
  }
  const all = optionsFor(data, options);
  const issue = modelOptions[name as ModelName].safeParse(all).error?.issues[0];
  if (issue === undefined) return models[name as ModelName](all);
  const key = issue.path[0] ?? (issue.code === "unrecognized_keys" ? issue.keys[0] : "");
  throw new AnabranchError({
    code: "model/option",
    message: "the model cannot be made with these options",
    where: `model ${name}, ${String(key)}`,
    received: JSON.stringify(all[key as keyof typeof all]),
    expected: issue.message,
    advice: "The features and labels of the data set are options of the model too: see whether it is made for them.",
  });
}

/** The options of a model, with those that its data give. */
function optionsFor({ features, labels, classes }: ModelData, options: Readonly<Record<string, unknown>>) {
  const given = { input: features.shape.slice(1), inputType: features.dtype, labelType: labels.dtype, classes };
  return { ...given, ...options };
}
