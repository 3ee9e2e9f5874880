import { chmod } from "node:fs/promises";
import type { RunEvent } from "@anabranch/core";
import type { LiveNotice, LiveServer } from "@anabranch/core/live";
import type { RunOutcome, SessionOptions } from "../run/session.ts";
import type { RunFolder } from "../store/run-folder.ts";
import { BlobReads } from "./blob-reads.ts";
import { requireShipped } from "./demo-data.ts";
import { type Door, joinLinkOf, openDoor, publicAddress } from "./door.ts";
import { EventFeed } from "./event-feed.ts";
import { Farewell } from "./farewell.ts";
import type { ListeningSite } from "./listening-site.ts";
import { type AboutRun, liveWorld } from "./live-world.ts";
import { OperatorAccess, operatorToken } from "./operator.ts";
import { removeBlobs } from "./run-blobs.ts";
import { keepMinimumClients } from "./serve-settings.ts";
import type { ServedRun } from "./served-run.ts";
import { keepTrialCertificate } from "./trial-certificate.ts";
import { Uploads } from "./uploads.ts";

/** How one run is served. */
export interface ServeOptions {
  /** Clients that the run waits for at its start. */
  readonly minimumClients: number;
  /** Seconds without progress after which a client's order fails. */
  readonly progressSeconds: number;
  /** Seconds for which the join token lets new clients in; undefined: for ever. */
  readonly tokenSeconds: number | undefined;
  /** Clients that the join token admits; undefined: as many as the run has places. */
  readonly tokenPlaces?: number | undefined;
  /** Address of the ledger; default: a file in the run's folder. */
  readonly ledger?: string | undefined;
  /** Address of the storage of models and updates, `s3://...`; default: the run's folder. */
  readonly blobs?: string | undefined;
  /** The data set of which browser clients get shares, a shipped one; undefined: none. */
  readonly demoData?: string | undefined;
  /** Whether the run has begun before; default: it is new. */
  readonly isResumed?: boolean | undefined;
  /** Clients can join now. */
  onOpen(door: Door): void;
  onNotice(notice: LiveNotice, server: LiveServer): void;
}

/** How long clients are waited for that were cut off just before the end. */
const farewellMs = 3000;
/** How long a model from another machine stays in memory after it was sent: clients may fetch it in parts. */
const remoteLingerMs = 60_000;
/** How often partial uploads are looked through that nobody continues. */
const sweepMs = 600_000;

/**
 * Runs or resumes a configuration with clients that join over the network, beside the other runs of the server. Resolves
 * once the run has ended, whether all clients can be told or not. Its status can be seen until the server closes.
 *
 * @param begin starts or resumes the run
 * @throws `live/...`, and what a run throws
 */
export async function serveRun(
  site: ListeningSite,
  options: ServeOptions,
  session: SessionOptions,
  begin: (options: SessionOptions) => Promise<RunOutcome>,
): Promise<RunOutcome> {
  if (options.demoData !== undefined) requireShipped(options.demoData);
  const stop = new AbortController();
  const interrupt = session.signal ?? new AbortController().signal;
  const signal = AbortSignal.any([stop.signal, interrupt]);
  const opened: Opened = {};
  let sweeper: NodeJS.Timeout | undefined;
  try {
    const open = liveWorld({
      ...{ minimumClients: options.minimumClients, progressSeconds: options.progressSeconds, signal },
      ...{ ledger: options.ledger, blobs: options.blobs, isResumed: options.isResumed ?? false },
      async onServer(live, folder, about) {
        // updates of clients, the ledger and the log are for this user alone
        await chmod(folder.folder, 0o700);
        const run = await servedRun(site, options, live, folder, about, () => stop.abort());
        Object.assign(opened, { run, live, about });
        sweeper = setInterval(() => void sweep(run), sweepMs).unref();
        if (site.tls?.isTrial === true) await keepTrialCertificate(folder, site.tls);
        await keepMinimumClients(folder, options.minimumClients);
        const door = await openDoor({ ...options, ...about }, site, live, folder);
        site.opened(run);
        options.onOpen(door);
      },
      onNotice(notice) {
        opened.run?.log[notice.type === "error" ? "error" : "info"](notice, "client");
        if (notice.type === "joined") opened.farewell?.joined(notice.client);
        if (opened.live !== undefined) options.onNotice(notice, opened.live);
      },
    });
    signal.addEventListener("abort", () => opened.live?.stop(), { once: true });
    const outcome = await begin({ ...session, open, signal, onEvent: (event) => onEvent(event, opened, session) });
    // after Ctrl-C clients wait for the server to come back
    if (!interrupt.aborted) await sayGoodbye(outcome, opened);
    return outcome;
  } catch (error) {
    opened.live?.fail();
    throw error;
  } finally {
    clearInterval(sweeper);
    opened.run?.events.close();
    if (opened.run === undefined || !site.runs.has(opened.run.id)) site.opened(undefined);
  }
}

/** What is there once clients can join. */
interface Opened {
  run?: ServedRun;
  live?: LiveServer;
  about?: AboutRun;
  farewell?: Farewell;
}

/** Tells the clients how the run has ended. Updates are not kept when nothing can need them any more. */
async function sayGoodbye({ result }: RunOutcome, opened: Opened): Promise<void> {
  const { live, run, about } = opened;
  if (live === undefined || run === undefined || about === undefined) return;
  const { round, stopped, modelHash } = result;
  opened.farewell = new Farewell(live.status());
  live.finish({ round, stopped, modelHash });
  await opened.farewell.wait(farewellMs);
  if (stopped === "interrupted") return;
  try {
    await run.uploads.clear();
    await removeBlobs(about.blobs);
  } catch (error) {
    run.log.error({ err: error }, "models and updates of the run could not be removed");
  }
}

function onEvent(event: RunEvent, { run, live }: Opened, session: SessionOptions): void {
  if (event.type === "round.started" && live !== undefined) live.round = event.round;
  run?.events.changed();
  session.onEvent?.(event);
}

async function servedRun(
  site: ListeningSite,
  { demoData }: ServeOptions,
  live: LiveServer,
  folder: RunFolder,
  { name, blobs, isPrivate }: AboutRun,
  stop: () => void,
): Promise<ServedRun> {
  return {
    ...{ id: folder.id, name, folder, live, isPrivate, stop, demoData },
    uploads: await Uploads.open(folder.folder, folder.files, blobs),
    blobs: new BlobReads(blobs, blobs.areRemote ? remoteLingerMs : 0),
    events: new EventFeed(folder.paths.events, folder.files),
    operator: new OperatorAccess(await operatorToken(folder)),
    joinLink: (token) => joinLinkOf(publicAddress(site), folder.id, token),
    log: site.openLog(folder),
  };
}

/** What is left of an upload goes when its order is over. */
async function sweep({ live, uploads, log }: ServedRun): Promise<void> {
  try {
    await uploads.sweep((order) => live.isOpen(Number(order.split("/")[1]), order));
  } catch (error) {
    log.error({ err: error }, "partial uploads could not be removed"); // a run does not end for what only takes room
  }
}
