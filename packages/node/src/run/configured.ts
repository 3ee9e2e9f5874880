import { existsSync } from "node:fs";
import { relative, resolve } from "node:path";
import {
  AnabranchError,
  type Config,
  type CustomParts,
  decodeSafetensors,
  modelSection,
  type PreparedRun,
  parseDeviceTrace,
  prepareRun,
  readerLimits,
  type SyntheticPopulation,
  syntheticPopulation,
  type TrainTest,
} from "@anabranch/core";
import * as z from "zod";
import { loadDatasetModule } from "../data/dataset-module.ts";
import { loadDataset } from "../data/load-dataset.ts";
import { readRegularFile } from "../data/regular-file.ts";
import { loadOwnMethod } from "./own-method.ts";
import { loadOwnModel } from "./own-model.ts";

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
  readonly own: CustomParts;
}

/** The data set and the operator's own files that a configuration names. */
export async function loadConfigured(config: Config, options: LoadOptions): Promise<Loaded> {
  const base = options.baseDir ?? ".";
  const dataDir = options.dataDir ?? config.data.dataDir;
  // own files first: they fail faster than a download
  const makeOwn = await loadOwn(config, base);
  const data = await loadData(config, base, dataDir, options.signal);
  return { own: makeOwn(data), data };
}

/** The data set alone. */
export async function loadData(
  { data, seed, model }: Config,
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
  return loadDataset(data.dataset, { base, dataDir, signal, reading: { table: data.table, image: inputOf(model) } });
}

/** Shape of the images that the configuration says its model takes. */
function inputOf({ input }: Config["model"]): number[] | undefined {
  const { success, data } = z.array(z.int().positive()).safeParse(input);
  return success ? data : undefined;
}

/**
 * The own files alone. What is given back makes the model: it gets the section's further keys as options, and what it has
 * to know of the data.
 */
export async function loadOwn(
  { model, algorithm, devices, topology }: Config,
  base: string,
): Promise<(data: Loaded["data"]) => CustomParts> {
  const { file: modelFile, initialWeights, options: modelOptions } = modelSection(model);
  const { name: _algorithm, file: methodFile, ...methodOptions } = algorithm;
  // the line of a file is often below more calls of the library than a stack has by default
  Error.stackTraceLimit = Math.max(Error.stackTraceLimit, 100);
  const makeModel = modelFile === undefined ? undefined : await loadOwnModel(modelFile, modelOptions, base);
  const method = methodFile === undefined ? undefined : await loadOwnMethod(methodFile, methodOptions, base);
  const weights = initialWeights === undefined ? undefined : await readWeights(resolve(base, initialWeights));
  const graph = topology.file === undefined ? undefined : await readGraph(resolve(base, topology.file));
  const trace = devices.trace === undefined ? undefined : await readTrace(resolve(base, devices.trace));
  return (data) => {
    const own = makeModel?.("kind" in data ? data.test : data.train);
    return {
      model: own?.model,
      algorithm: method?.algorithm,
      origins: { model: own?.origin, algorithm: method?.origin },
      weights,
      trace,
      topology: graph,
    };
  };
}

/**
 * A configured run, prepared. An error in what own files have made is one of these files, whatever it is.
 *
 * @throws as `prepareRun`; `local/failed`
 */
export function prepareConfigured(...given: Parameters<typeof prepareRun>): PreparedRun {
  try {
    return prepareRun(...given);
  } catch (error) {
    const { algorithm, model } = given[5]?.origins ?? {};
    const origin = algorithm ?? model;
    throw origin === undefined ? error : origin.faultOf(error, "the preparation");
  }
}

async function readGraph(path: string): Promise<string> {
  try {
    return new TextDecoder().decode(await readRegularFile(path, readerLimits.fileBytes));
  } catch (cause) {
    throw new AnabranchError({
      code: "topology/unreadable",
      message: "the file with the topology cannot be read",
      where: `topology.file, ${path}`,
      received: (cause instanceof AnabranchError && cause.failure.received) || String(cause),
      expected: "a CSV file with an edge, or a row of weights, per line",
      advice: "Check the path. In a configuration file it is relative to that file, else to the working directory.",
      cause,
    });
  }
}

/** Bytes of the largest trace that is read. */
const TRACE_BYTES = 64 * 2 ** 20;

async function readTrace(path: string): Promise<CustomParts["trace"]> {
  let bytes: Uint8Array;
  try {
    bytes = await readRegularFile(path, TRACE_BYTES);
  } catch (cause) {
    throw new AnabranchError({
      code: "clock/trace-unreadable",
      message: "the trace of devices cannot be read",
      where: `devices.trace, ${path}`,
      received: (cause instanceof AnabranchError && cause.failure.received) || String(cause),
      expected: "a CSV file with the columns device,from,until,seconds",
      advice: "Check the path. In a configuration file it is relative to that file, else to the working directory.",
      cause,
    });
  }
  return parseDeviceTrace(new TextDecoder().decode(bytes), path);
}

async function readWeights(path: string): Promise<CustomParts["weights"]> {
  let bytes: Uint8Array;
  try {
    bytes = await readRegularFile(path, readerLimits.fileBytes);
  } catch (cause) {
    throw new AnabranchError({
      code: "params/unreadable",
      message: "the file with the initial weights cannot be read",
      where: `model.initialWeights, ${path}`,
      received: (cause instanceof AnabranchError && cause.failure.received) || String(cause),
      expected: "a safetensors file, e.g. a run's model.safetensors",
      advice: recipeFor(path) ?? NO_RECIPE,
      cause,
    });
  }
  return decodeSafetensors(bytes, path, { halfFloats: true });
}

const NO_RECIPE =
  "Check the path. In a configuration file it is relative to that file, else to the working directory. A comment in that file may say how the weights are made.";

/** How weights are made whose run configuration lies beside them: NAME.safetensors by NAME-base.toml. */
function recipeFor(path: string): string | undefined {
  const recipe = path.replace(/\.safetensors$/, "-base.toml");
  if (recipe === path || !existsSync(recipe)) return undefined;
  const [configuration, weights] = [recipe, path].map((file) => relative(".", file));
  return `Make them: anabranch run ${configuration}, then anabranch export last --output ${weights}`;
}
