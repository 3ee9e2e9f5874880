import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Algorithm, type Config, decodeSafetensors, type Model, type Own, type TrainTest } from "@anabranch/core";
import { importLocal, loadDataset, loadDatasetModule } from "../data/index.ts";

export interface LoadOptions {
  /** Where data sets lie that are not shipped. */
  readonly dataDir?: string;
  /** Own files named by the configuration are relative to this folder; default: the working directory. */
  readonly baseDir?: string;
}

/** The data set and the operator's own files that a configuration names. */
export async function loadConfigured(config: Config, options: LoadOptions): Promise<{ data: TrainTest; own: Own }> {
  const path = (file: string) => resolve(options.baseDir ?? ".", file);
  const { data, model, algorithm } = config;
  const trainTest =
    data.file === undefined
      ? await loadDataset(data.dataset, { ...(options.dataDir === undefined ? {} : { dataDir: options.dataDir }) })
      : await loadDatasetModule(path(data.file));
  return {
    data: trainTest,
    own: {
      ...(model.file === undefined ? {} : { model: (await importLocal(path(model.file), "model"))(model.options) as Model }),
      ...(algorithm.file === undefined
        ? {}
        : { algorithm: (await importLocal(path(algorithm.file), "algorithm"))(algorithm.options) as Algorithm }),
      ...(model.initialWeights === undefined ? {} : { weights: await readWeights(path(model.initialWeights)) }),
    },
  };
}

async function readWeights(path: string): Promise<Own["weights"]> {
  const { tensors } = decodeSafetensors(await readFile(path), path);
  return tensors;
}
