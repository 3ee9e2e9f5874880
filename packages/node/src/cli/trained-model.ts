import {
  type Algorithm,
  AnabranchError,
  algorithms,
  BEST_CHECKPOINT,
  type Checkpoint,
  type Config,
  createAlgorithm,
  createModel,
  decodeCheckpoint,
  decodeSafetensors,
  type Layout,
  mergeAdapters,
  namedModelParts,
  newestCheckpoint,
  requireLayout,
  servedModel,
  type Vector,
} from "@anabranch/core";
import {
  completeParameters,
  describedLayout,
  type ModelDescription,
  readModelDescription,
  sharedLayout,
} from "../run/model-description.ts";
import { readRunConfig } from "../run/run-config.ts";
import { readBlobs } from "../store/disk-blob-store.ts";
import { openRunFolder, type RunFolder } from "../store/run-folder.ts";

/** The parameters of one of a run's checkpoints, and what they are. */
export interface TrainedModel {
  readonly run: RunFolder;
  readonly description: ModelDescription;
  /** Of the whole model, with adapters merged into their weights. */
  readonly layout: Layout;
  /** [layout.size]; personal ones as they were at the start. */
  readonly parameters: Vector;
  /** The parameters that travel, as the run evaluates them. */
  readonly shared: Vector;
  readonly checkpoint: Checkpoint;
}

/**
 * Reads the newest checkpoint of a run, or the one of its best evaluation, and the description of its model. Neither data
 * nor code that the run's configuration names are loaded: the folder may be somebody else's.
 *
 * @throws `run/no-checkpoint`, `run/model-description`, `params/layout`, and what reading checkpoints throws
 */
export async function loadTrainedModel(folder: string, best: boolean): Promise<TrainedModel> {
  const run = await openRunFolder(folder);
  const checkpoint = await readCheckpoint(run, best);
  const description = await readModelDescription(run);
  const layout = describedLayout(description);
  const travels = sharedLayout(description);
  requireLayout(checkpoint.layoutHash, travels.hash, run.folder);
  const kept = checkpoint.serverState.vectors.parameters!;
  const shared = best ? kept : await evaluated(run, checkpoint.algorithm, travels, kept); // the best one was saved so
  const whole = await completeParameters(run, description, shared);
  const { adapters } = description;
  if (adapters === undefined) return { run, description, layout, parameters: whole, shared, checkpoint };
  const merged = mergeAdapters(adapters, layout, whole);
  return { run, description, layout: merged.layout, parameters: merged.values, shared, checkpoint };
}

/** What a method makes of the parameters that it trains; of an own method's, which is not executed, these themselves. */
async function evaluated({ folder }: RunFolder, method: string, layout: Layout, parameters: Vector): Promise<Vector> {
  if (algorithms.every(({ name }) => name !== method)) return parameters;
  const algorithm = methodOf((await readRunConfig(folder)).algorithm);
  return algorithm === undefined ? parameters : servedModel({ algorithm, layout }, parameters);
}

/** The method of a run; undefined where it is an own one, which is not executed. */
function methodOf({ name, file, ...options }: Config["algorithm"]): Algorithm | undefined {
  return file === undefined ? createAlgorithm(name, options) : undefined;
}

/**
 * The model as an ONNX file. That of an own model's run is the one that the run has written at its end: to make another,
 * its code would have to run.
 *
 * @throws `local/own-model` where there is none of this checkpoint
 */
export async function trainedOnnx(trained: TrainedModel, metadata: Record<string, string>): Promise<Uint8Array> {
  const { run, description, layout, parameters, checkpoint } = trained;
  if (!description.own) {
    const config = await readRunConfig(run.folder);
    const { name, options } = namedModelParts(config);
    const { adapters: _merged, shards: _too, ...rest } = options;
    const configured = createModel(name, description, rest);
    const model = methodOf(config.algorithm)?.trains?.(configured) ?? configured;
    const { modelOnnx } = await import("../run/outputs.ts");
    return modelOnnx(model, layout, parameters, metadata);
  }
  const { round } = checkpoint;
  const written = (await writtenRound(run)) === String(round) ? await run.files.read(run.paths.modelOnnx) : undefined;
  if (written !== undefined) return written;
  throw new AnabranchError({
    code: "local/own-model",
    message: "the ONNX file of an own model cannot be created, because export does not run code from own files",
    where: run.folder,
    received: `the parameters of round ${round}`,
    expected: "the parameters of the run's last round",
    advice: "Use --safetensors, or take model.onnx from the run's folder after it has finished.",
  });
}

/** The round of the model that a run has written at its end. */
async function writtenRound({ paths, files }: RunFolder): Promise<string | undefined> {
  const bytes = await files.read(paths.modelSafetensors);
  try {
    return bytes && decodeSafetensors(bytes, paths.modelSafetensors).metadata.round;
  } catch {
    return undefined;
  }
}

async function readCheckpoint({ folder, files }: RunFolder, best: boolean): Promise<Checkpoint> {
  const blobs = readBlobs(folder, files);
  if (best) {
    const bytes = await blobs.get(BEST_CHECKPOINT);
    if (bytes !== undefined) return decodeCheckpoint(bytes, BEST_CHECKPOINT);
  } else {
    const found = await newestCheckpoint(blobs);
    if (found !== undefined) return found.checkpoint;
  }
  throw new AnabranchError({
    code: "run/no-checkpoint",
    message: best
      ? "the run has no best model: it was not evaluated, or only on its private clients' examples"
      : "the run has no checkpoint yet",
    where: folder,
    advice: best ? "Omit --best to export the latest parameters." : "Wait for its first round, or resume the run.",
  });
}
