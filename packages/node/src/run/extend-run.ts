import {
  AnabranchError,
  type BlobStore,
  type Config,
  checkpointName,
  configHash,
  decodeCheckpoint,
  encodeCheckpoint,
  newestCheckpoint,
  renderToml,
} from "@anabranch/core";
import { openDiskBlobStore } from "../store/disk-blob-store.ts";
import { openRunFolder, writeRunFile } from "../store/run-folder.ts";
import { readRunConfig } from "./run-config.ts";
import { requireSimulated } from "./session.ts";

/**
 * Gives a run more rounds, so that resuming it trains on. Its model then has the bits of a run that had so many rounds from
 * the start: nothing but the refused settings depends on the number of rounds. The last round so far stays evaluated.
 *
 * @param rounds all rounds of the run, those done included
 * @throws `usage/rounds` where the run has so many already, `config/rounds-dependent` where earlier rounds would have been others,
 *   `live/not-simulated`, `run/locked`, and what `readRunConfig` and `newestCheckpoint` throw
 */
export async function extendRun(folder: string, rounds: number): Promise<void> {
  const run = await openRunFolder(folder);
  await requireSimulated(run);
  const config = await readRunConfig(folder);
  const lock = await run.lock();
  try {
    const blobs = await openDiskBlobStore(run.folder, run.files);
    const found = await newestCheckpoint(blobs);
    requireExtendable(config, rounds, found?.checkpoint.round ?? 0, run.paths.config);
    const longer = { ...config, rounds };
    // checkpoints first: they continue with the new configuration alone, which a repeated command writes again
    await relabel(blobs, configHash(config), configHash(longer));
    await writeRunFile(run.paths.config, renderToml(longer), run.files);
  } finally {
    await lock.release();
  }
}

function requireExtendable(config: Config, rounds: number, done: number, where: string): void {
  const startNew = "Start a new run; model.initialWeights can begin with the model of this one.";
  if (rounds < config.rounds || rounds <= done) {
    throw new AnabranchError({
      code: "usage/rounds",
      message: `the run has ${Math.max(config.rounds, done)} rounds already`,
      where,
      received: String(rounds),
      expected: `more than ${Math.max(config.rounds, done)}`,
      advice: "--rounds is the number of all rounds, those done included.",
    });
  }
  const dependent = roundsDependent(config);
  if (dependent === undefined) return;
  throw new AnabranchError({
    code: "config/rounds-dependent",
    message: `${dependent} depends on the number of rounds, so that of a longer run would have been another from the start`,
    where,
    advice: startNew,
  });
}

/** The setting whose earlier rounds would have been others with another number of rounds; undefined where there is none. */
function roundsDependent(config: Config): string | undefined {
  const { algorithm, training, sampler, topology, privacy, evaluation, stop, rounds } = config;
  if (training.schedule === "cosine") return 'the learning rate of training.schedule = "cosine"';
  if (training.calibration.samples > 0) return "the head that training.calibration.samples retrains in the last round";
  const { order, pacing } = training.curriculum;
  if (order !== "none" && pacing !== "constant") return "the pace of training.curriculum";
  if (sampler.name === "hetero-select" || sampler.name === "easiest-first") return `sampler.name = "${sampler.name}"`;
  if (algorithm.name === "single-merging" && topology.averageFrom === undefined) return "the round of the only merging";
  const { mechanism, noiseMultiplier, targetEpsilon } = privacy;
  if (mechanism !== "none" && noiseMultiplier === undefined && targetEpsilon !== undefined) {
    return "the noise that was chosen for privacy.targetEpsilon";
  }
  const evaluatedForTheEnd = evaluation.every > 0 && rounds % evaluation.every !== 0;
  return stop.patience > 0 && evaluatedForTheEnd
    ? "the evaluation of the last round, which stop.patience counts,"
    : undefined;
}

/** Gives checkpoints the hash of the new configuration. */
async function relabel(blobs: BlobStore, before: string, now: string): Promise<void> {
  for (const name of await blobs.list(checkpointName(0).replace(/round-.*$/, ""))) {
    const bytes = /round-\d+\.safetensors$/.test(name) ? await blobs.get(name) : undefined;
    const checkpoint = bytes && tryDecode(bytes, name);
    if (checkpoint?.configHash === before) await blobs.put(name, encodeCheckpoint({ ...checkpoint, configHash: now }));
  }
}

/** A damaged checkpoint stays as it is: resuming passes over it. */
function tryDecode(bytes: Uint8Array, name: string) {
  try {
    return decodeCheckpoint(bytes, name);
  } catch {
    return undefined;
  }
}
