import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import {
  AnabranchError,
  type Config,
  decodeSafetensors,
  type Own,
  type SyntheticPopulation,
  syntheticPopulation,
  type TrainTest,
} from "@anabranch/core";
import { loadDatasetModule } from "../data/dataset-module.ts";
import { loadDataset } from "../data/load-dataset.ts";
import { ownPart } from "./own-module.ts";

export interface LoadOptions {
  /** Where data sets lie that are not shipped; overrides the configuration. */
  readonly dataDir?: string;
  /** Own files named by the configuration are relative to this folder; default: the working directory. */
  readonly baseDir?: string;
  /** Aborted while data are loading: ends with `run/interrupted`. Later: see the user of these options. */
  readonly signal?: AbortSignal;
}

interface Loaded {
  readonly data: TrainTest | SyntheticPopulation;
  readonly own: Own;
}

/** The data set and the operator's own files that a configuration names. */
export async function loadConfigured(config: Config, options: LoadOptions): Promise<Loaded> {
  const base = options.baseDir ?? ".";
  const dataDir = options.dataDir ?? config.data.dataDir;
  // own files first: they fail faster than a download
  const own = await loadOwn(config, base);
  return { own, data: await loadData(config, base, dataDir, options.signal) };
}

/** The data set alone. */
export async function loadData(
  { data, seed }: Config,
  base: string,
  dataDir: string | undefined,
  signal?: AbortSignal,
): Promise<Loaded["data"]> {
  if (data.file !== undefined) return loadDatasetModule(data.file, base);
  if (data.dataset === "synthetic") {
    const { testExamples, classesPerClient, ...spec } = data.synthetic;
    const seen = classesPerClient === undefined ? {} : { classesPerClient };
    return syntheticPopulation(seed, data.clients, { ...spec, ...seen }, testExamples);
  }
  return loadDataset(data.dataset, { base, dataDir, signal });
}

/** The own files alone; they get the section's further keys as options. */
export async function loadOwn({ model, algorithm }: Config, base: string): Promise<Own> {
  const { name: _model, file: modelFile, initialWeights, ...modelOptions } = model;
  const { name: _algorithm, file: algorithmFile, ...algorithmOptions } = algorithm;
  return {
    model: modelFile === undefined ? undefined : await ownPart("model", modelFile, modelOptions, base),
    algorithm:
      algorithmFile === undefined ? undefined : await ownPart("algorithm", algorithmFile, algorithmOptions, base),
    weights: initialWeights === undefined ? undefined : await readWeights(resolve(base, initialWeights)),
  };
}

async function readWeights(path: string): Promise<Own["weights"]> {
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(await readFile(path));
  } catch (cause) {
    throw new AnabranchError({
      code: "params/unreadable",
      message: "the file with the initial weights cannot be read",
      where: `model.initialWeights, ${path}`,
      received: cause instanceof Error ? cause.message : String(cause),
      expected: "a safetensors file, e.g. a run's model.safetensors",
      cause,
    });
  }
  return decodeSafetensors(bytes, path);
}
