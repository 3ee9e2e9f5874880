import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import {
  type Algorithm,
  type Config,
  decodeSafetensors,
  type Model,
  type Own,
  type SyntheticPopulation,
  syntheticPopulation,
  type TrainTest,
} from "@anabranch/core";
import { loadDatasetModule } from "../data/dataset-module.ts";
import { importLocal } from "../data/import-local.ts";
import { loadDataset } from "../data/load-dataset.ts";

export interface LoadOptions {
  /** Where data sets lie that are not shipped; overrides the configuration. */
  readonly dataDir?: string;
  /** Own files named by the configuration are relative to this folder; default: the working directory. */
  readonly baseDir?: string;
}

interface Loaded {
  readonly data: TrainTest | SyntheticPopulation;
  readonly own: Own;
}

const WHAT = { model: "a model", algorithm: "an algorithm" } as const;
type Factory = (options: Record<string, unknown>) => unknown;

/** The data set and the operator's own files that a configuration names. */
export async function loadConfigured(config: Config, options: LoadOptions): Promise<Loaded> {
  const base = options.baseDir ?? ".";
  const dataDir = options.dataDir ?? config.data.dataDir;
  const { model, algorithm } = config;
  return {
    data: await loadData(config, base, dataDir),
    own: {
      model: (await makeOwn("model", model, base)) as Model | undefined,
      algorithm: (await makeOwn("algorithm", algorithm, base)) as Algorithm | undefined,
      weights: model.initialWeights === undefined ? undefined : await readWeights(resolve(base, model.initialWeights)),
    },
  };
}

async function loadData({ data, seed }: Config, base: string, dataDir: string | undefined): Promise<Loaded["data"]> {
  if (data.file !== undefined) return loadDatasetModule(data.file, base);
  if (data.dataset === "synthetic") {
    const { testExamples, classesPerClient, ...spec } = data.synthetic;
    const seen = classesPerClient === undefined ? {} : { classesPerClient };
    return syntheticPopulation(seed, data.clients, { ...spec, ...seen }, testExamples);
  }
  return loadDataset(data.dataset, dataDir === undefined ? { base } : { base, dataDir });
}

/** Calls the factory that an own file exports with the section's further keys as options. */
async function makeOwn(what: "model" | "algorithm", section: Config["model"], base: string): Promise<unknown> {
  const { name: _name, file, initialWeights: _weights, ...options } = section;
  if (file === undefined) return undefined;
  const wanted = { what: WHAT[what], expected: `a function that returns the ${what}` };
  const make = (await importLocal(file, wanted, base)) as Factory;
  return make(options);
}

async function readWeights(path: string): Promise<Own["weights"]> {
  return decodeSafetensors(new Uint8Array(await readFile(path)), path).tensors;
}
