import { readFile } from "node:fs/promises";
import {
  AnabranchError,
  BEST_CHECKPOINT,
  type Checkpoint,
  type Config,
  createModel,
  decodeCheckpoint,
  type Layout,
  layout,
  type Model,
  newestCheckpoint,
  parseConfig,
  requireLayout,
} from "@anabranch/core";
import { type LoadOptions, loadConfigured } from "../run/configured.ts";
import { openDiskBlobStore } from "../store/disk-blob-store.ts";
import { openRunFolder } from "../store/run-folder.ts";

/** The model of a run with the parameters of one of its checkpoints. */
export interface TrainedModel {
  readonly model: Model;
  readonly layout: Layout;
  readonly checkpoint: Checkpoint;
}

/**
 * Reads the newest checkpoint of a run, or the one of its best evaluation, and builds the model that it belongs to.
 *
 * @throws `run/no-checkpoint`, `params/layout`, and what reading configuration, data and checkpoints throws
 */
export async function loadTrainedModel(folder: string, best: boolean, options: LoadOptions): Promise<TrainedModel> {
  const run = await openRunFolder(folder);
  const checkpoint = await readCheckpoint(run.folder, best);
  const config = parseConfig(await readFile(run.paths.config, "utf8"), run.paths.config);
  const model = await buildModel(config, options);
  const modelLayout = layout(model.parameters);
  requireLayout(checkpoint.layoutHash, modelLayout.hash, run.folder);
  return { model, layout: modelLayout, checkpoint };
}

async function readCheckpoint(folder: string, best: boolean): Promise<Checkpoint> {
  const blobs = await openDiskBlobStore(folder);
  if (best) {
    const bytes = await blobs.get(BEST_CHECKPOINT);
    if (bytes !== undefined) return decodeCheckpoint(bytes, BEST_CHECKPOINT);
  } else {
    const found = await newestCheckpoint(blobs);
    if (found !== undefined) return found.checkpoint;
  }
  throw new AnabranchError({
    code: "run/no-checkpoint",
    message: best ? "the run has no best model yet: nothing was evaluated" : "the run has no checkpoint yet",
    where: folder,
    advice: best ? "Leave out --best to export the newest parameters." : "Wait for its first round, or resume it.",
  });
}

async function buildModel(config: Config, options: LoadOptions): Promise<Model> {
  const { data, own } = await loadConfigured(config, options);
  if (own.model !== undefined) return own.model;
  const { name, file: _file, initialWeights: _weights, ...modelOptions } = config.model;
  return createModel(name, "kind" in data ? data.test : data.train, modelOptions);
}
