import { randomBytes } from "node:crypto";
import { join } from "node:path";
import {
  type Config,
  forLiveClients,
  hasEnded,
  inProcessSimulation,
  type PreparedRun,
  type RunPlan,
} from "@anabranch/core";
import {
  describeTask,
  heldBlob,
  type Ledger,
  type LiveNotice,
  type LiveRun,
  LiveServer,
  liveSecureAggregation,
  namesBlob,
  systemTimers,
} from "@anabranch/core/live";
import { openPrepared } from "../run/simulation.ts";
import type { OpenWorld, World } from "../run/world.ts";
import { openDiskBlobStore } from "../store/disk-blob-store.ts";
import { openLedger } from "../store/ledger/open-ledger.ts";
import type { RunFolder } from "../store/run-folder.ts";
import { openBlobPlace } from "./blob-place.ts";
import { requireKnownReleases } from "./known-releases.ts";
import {
  requireFixedRoll,
  requireLivePossible,
  requireLiveSchedule,
  requireRoll,
  requireTrueEpsilon,
  tooFewForSum,
} from "./live-limits.ts";
import { type RunBlobs, removeUnnamed } from "./run-blobs.ts";
import { unlessAborted } from "./unless-aborted.ts";

/** How a live run treats its clients. None of it changes what is computed from their updates. */
export interface LiveSettings {
  /** Clients that have to be there before the first round. */
  readonly minimumClients: number;
  /** Whether the run has begun before, so that its clients may have joined. */
  readonly isResumed: boolean;
  /** A client without progress for so many seconds fails its order. */
  readonly progressSeconds: number;
  /** Address of the ledger; default: a file in the run's folder. */
  readonly ledger: string | undefined;
  /** Address of the storage of models and updates; default: the run's folder. */
  readonly blobs?: string | undefined;
  /** Aborted: the run stops; where it still waits for clients, at once. */
  readonly signal: AbortSignal;
  /** The server can take connections. The run waits for what this does. */
  onServer(server: LiveServer, run: RunFolder, about: AboutRun): Promise<void>;
  onNotice(notice: LiveNotice): void;
}

export interface AboutRun {
  readonly name: string;
  readonly blobs: RunBlobs;
  /** Whether its privacy depends on who takes part being secret. */
  readonly isPrivate: boolean;
  /** What the operator should know before clients join. */
  readonly warnings: readonly string[];
}

/**
 * Opens runs whose clients join over a network: the counterpart of `openSimulation`. This process evaluates on the test set
 * and trains nothing.
 */
export function liveWorld(settings: LiveSettings): OpenWorld {
  return async (config, options, own) => {
    requireLivePossible(config);
    const { prepared: simulated, executor, warning } = await openPrepared(config, config.name, options, own);
    const prepared = forLiveClients(simulated, config);
    requireTrueEpsilon(config, prepared.plan);
    requireLiveSchedule(config, prepared.plan);
    requireRoll(settings.minimumClients, prepared.plan.population);
    if (!settings.isResumed) requireFixedRoll(config, settings.minimumClients, prepared.plan.population, 0);
    describeTask(config, prepared); // what clients cannot be told is refused before there is a folder
    const left = (error: unknown) => settings.onNotice({ type: "error", error: String(error) });
    const place = await openBlobPlace(settings.blobs, left);
    const warnings = [
      ...(warning === undefined ? [] : [warning]),
      ...(prepared.plan.warnings ?? []),
      ...place.warnings,
    ];
    const plan = { ...prepared.plan, warnings };
    const local = await inProcessSimulation(prepared.simulation, executor);
    let opened: Ledger | undefined;
    const enter: World["enter"] = async (run) => {
      const blobs = await place.open(run);
      const ledger = await openLedger(settings.ledger ?? join(run.folder, "ledger.sqlite"), run.id);
      opened = ledger;
      if (plan.account !== undefined) await requireKnownReleases(run, ledger);
      const joined = (await ledger.clients()).length;
      requireFixedRoll(config, settings.minimumClients, plan.population, joined);
      const live = liveRun(settings, config, { ...prepared, plan }, run.id);
      const tooFew = tooFewForSum(settings.minimumClients, plan, config);
      const warnings = tooFew === undefined ? [] : [tooFew];
      await removeUnnamed(blobs, ledger).catch(left);
      const about = { name: config.name, blobs, isPrivate: plan.account !== undefined, warnings };
      const server = await openServer(settings, live, ledger, run, plan, about);
      return {
        backend: server.backend,
        evaluator: {
          evaluate: (parameters) => local.evaluator.evaluate(parameters),
          evaluateClients: (parameters) => server.evaluateClients(parameters),
        },
        secureAggregation: secureAggregation(plan, server, run.id, settings.onNotice),
        clientStates: server.clientStates,
      };
    };
    const close = async () => {
      await opened?.close();
      await local.close();
    };
    return { ...prepared, plan, enter, isFollowed: true, close };
  };
}

/** What adds the integers that clients keep; undefined where they send updates as they are. */
function secureAggregation(
  { stages }: RunPlan,
  { courier, enrolled }: LiveServer,
  run: string,
  onNotice: LiveSettings["onNotice"],
) {
  if (stages.secureAggregation === undefined) return undefined;
  return liveSecureAggregation(stages.secureAggregation, {
    ...{ run, courier, enrolled, clock: () => performance.now() },
    refused: (round, { client, stage, failure }) =>
      onNotice({ type: "failed", client, order: `${round}/${client}/${stage}`, code: failure.code }),
  });
}

/** A client that reports progress may take so long for a task: three hours of local training are none too many. */
const LONGEST_TASK_SECONDS = 6 * 3600;

/**
 * The server of a run, once enough clients are there; at once where nothing is left to train. Throws `run/interrupted` when
 * the run is stopped before.
 */
async function openServer(
  { signal, onServer, onNotice }: LiveSettings,
  live: LiveRun,
  ledger: Ledger,
  run: RunFolder,
  plan: RunPlan,
  about: AboutRun,
): Promise<LiveServer> {
  const { promise: started, resolve: look } = Promise.withResolvers<void>();
  const server: LiveServer = await LiveServer.open(live, {
    ...{ ledger, blobs: about.blobs, timers: systemTimers },
    randomBytes: (count) => new Uint8Array(randomBytes(count)),
    notice(event) {
      onNotice(event);
      // the server notes who is there after it has said so
      queueMicrotask(() => server.started && look());
    },
  });
  await onServer(server, run, about);
  if (!(await hasEnded(plan, await openDiskBlobStore(run.folder, run.files))))
    await unlessAborted(started, signal, run.id);
  return server;
}

function liveRun(
  { minimumClients, progressSeconds }: LiveSettings,
  config: Config,
  prepared: PreparedRun,
  id: string,
): LiveRun {
  const { plan } = prepared;
  return {
    description: describeTask(config, { ...prepared, plan: { ...plan, id } }),
    names: namesBlob(prepared),
    held: heldBlob(config, prepared),
    ...{ minimumClients, progressSeconds },
    longestSeconds: LONGEST_TASK_SECONDS,
    maxUpdateBytes: largestUpdate(plan),
    keptVersions: plan.checkpointEvery * plan.checkpointKeep,
    releasesOnce: plan.account !== undefined,
  };
}

/** Bytes for names, numbers and factors of codecs that a client's update may take beside its values. */
const besideValues = 65_536;

/** Bytes of an update whose values stay with the client: names and numbers alone. */
const withoutValues = 4096;

/**
 * Bytes of the largest update that a client of the run may send: twice its values, as no codec needs more. Under secure
 * aggregation the values stay with the client.
 */
function largestUpdate({ payloads, float, stages }: Pick<RunPlan, "payloads" | "float" | "stages">): number {
  if (stages.secureAggregation !== undefined) return withoutValues;
  const values = Object.values(payloads.upload).reduce((sum, { layout }) => sum + layout.size, 0);
  return 2 * values * (float === "float64" ? 8 : 4) + besideValues;
}
