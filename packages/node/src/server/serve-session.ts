import { chmod } from "node:fs/promises";
import { join } from "node:path";
import type { RunEvent } from "@anabranch/core";
import type { LiveNotice, LiveServer } from "@anabranch/core/live";
import type { RunOutcome, SessionOptions } from "../run/session.ts";
import { openRunFolder, type RunFolder } from "../store/run-folder.ts";
import { BlobReads } from "./blob-reads.ts";
import { usualPace } from "./body.ts";
import { requireShipped } from "./demo-data.ts";
import { certificateNames, type Door, openDoor } from "./door.ts";
import { EventFeed } from "./event-feed.ts";
import { Farewell } from "./farewell.ts";
import { listen } from "./http-server.ts";
import { liveWorld } from "./live-world.ts";
import { type Logger, openLog, silentLog } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { OperatorAccess, operatorToken } from "./operator.ts";
import { PageFiles } from "./page-files.ts";
import { isLoopback } from "./peer.ts";
import { requireSafe } from "./public-bind.ts";
import { RateLimit } from "./rate-limit.ts";
import type { ServedRun } from "./served-run.ts";
import type { Site } from "./site.ts";
import { type OpenTls, openTls, type TlsChoice } from "./tls.ts";
import { keepTrialCertificate, keptTrialCertificate } from "./trial-certificate.ts";
import { Uploads } from "./uploads.ts";

export interface ServeOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Folder of the run that is resumed; undefined: a new run. */
  readonly resumed?: string | undefined;
  /** The address that clients use where it is another one. */
  readonly publicUrl?: string | undefined;
  readonly tls?: TlsChoice | undefined;
  /** Whether other machines may connect without TLS. */
  readonly insecure: boolean;
  readonly trustProxy: boolean;
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
  /** File of the server's log; "-": standard error; default: server.log in the run's folder. */
  readonly log?: string | undefined;
  /** The data set of which browser clients get shares, a shipped one; undefined: none. */
  readonly demoData?: string | undefined;
  /** Clients can join now. */
  onOpen(door: Door): void;
  onNotice(notice: LiveNotice, server: LiveServer): void;
}

/** Requests of one address: a proxy or a router may stand for many clients. */
const addressRate = { burst: 3000, perSecond: 300 };
const sessionRate = { burst: 120, perSecond: 30 };
const messageRate = { burst: 120, perSecond: 20 };
/** How long clients are waited for that were cut off just before the end. */
const farewellMs = 3000;
/** How often partial uploads are looked through that nobody continues. */
const sweepMs = 600_000;

/**
 * Runs or resumes a configuration with clients that join over the network. The server ends with the run, whether all
 * clients can be told or not.
 *
 * @param begin starts or resumes the run
 * @throws `server/...`, `tls/...`, `live/...`, and what a run throws
 */
export async function serveRun(
  options: ServeOptions,
  session: SessionOptions,
  begin: (options: SessionOptions) => Promise<RunOutcome>,
): Promise<RunOutcome> {
  const { host, port, insecure } = options;
  if (options.demoData !== undefined) requireShipped(options.demoData);
  requireSafe(host, options.tls !== undefined, insecure);
  const tls = await chosenTls(options);
  const stop = new AbortController();
  const interrupt = session.signal ?? new AbortController().signal;
  const signal = AbortSignal.any([stop.signal, interrupt]);
  const runs = new Map<string, ServedRun>();
  const site = openSite(options, runs);
  const http = await listen(site, { host, port, tls });
  const opened: Opened = {};
  let sweeper: NodeJS.Timeout | undefined;
  try {
    const open = liveWorld({
      ...{ minimumClients: options.minimumClients, progressSeconds: options.progressSeconds, signal },
      ledger: options.ledger,
      async onServer(live, folder, { name, isPrivate }) {
        // updates of clients, the ledger and the log are for this user alone
        await chmod(folder.folder, 0o700);
        if (options.log !== "-") site.log = openLog(options.log ?? join(folder.folder, "server.log"));
        const run = { ...(await servedRun(live, folder, name, () => stop.abort())), demoData: options.demoData };
        Object.assign(opened, { run, live });
        sweeper = setInterval(() => void sweep(run, site), sweepMs).unref();
        runs.set(run.id, run);
        site.isStarting = false;
        // cohorts that everyone sees are no sample
        if (isPrivate) site.openReading = false;
        if (tls?.isTrial === true) await keepTrialCertificate(folder, tls);
        options.onOpen(await openDoor(options, http.port, tls, live, folder));
      },
      onNotice(notice) {
        site.log[notice.type === "error" ? "error" : "info"](notice, "client");
        if (notice.type === "joined") opened.farewell?.joined(notice.client);
        if (opened.live !== undefined) options.onNotice(notice, opened.live);
      },
    });
    signal.addEventListener("abort", () => opened.live?.resume(), { once: true });
    const outcome = await begin({ ...session, open, signal, onEvent: (event) => onEvent(event, opened, session) });
    // after Ctrl-C clients wait for the server to come back
    if (!interrupt.aborted) await sayGoodbye(outcome, opened);
    return outcome;
  } finally {
    clearInterval(sweeper);
    opened.run?.events.close();
    await http.close();
  }
}

async function chosenTls({ tls, host, publicUrl, resumed }: ServeOptions): Promise<OpenTls | undefined> {
  if (tls === undefined) return undefined;
  const kept = resumed === undefined ? undefined : await keptTrialCertificate(await openRunFolder(resumed));
  return openTls(tls, certificateNames(host, publicUrl), kept);
}

/** What is there once clients can join. */
interface Opened {
  run?: ServedRun;
  live?: LiveServer;
  farewell?: Farewell;
}

/** Tells the clients how the run has ended. Updates are not kept when nothing can need them any more. */
async function sayGoodbye({ result }: RunOutcome, opened: Opened): Promise<void> {
  const { live, run } = opened;
  if (live === undefined || run === undefined) return;
  const { round, stopped, modelHash } = result;
  opened.farewell = new Farewell(live.status());
  live.finish({ round, stopped, modelHash });
  await opened.farewell.wait(farewellMs);
  if (stopped !== "interrupted") await run.uploads.clear();
}

function onEvent(event: RunEvent, { run, live }: Opened, session: SessionOptions): void {
  if (event.type === "round.started" && live !== undefined) live.round = event.round;
  run?.events.changed();
  session.onEvent?.(event);
}

/** What changes once the run is open. */
type OpenSite = Site & { log: Logger; isStarting: boolean; openReading: boolean };

/** What the parts of the server share. Its log is silent until the run has a folder for it. */
function openSite({ host, publicUrl, trustProxy, log }: ServeOptions, runs: ReadonlyMap<string, ServedRun>): OpenSite {
  return {
    ...{ runs, isStarting: true, trustProxy, addresses: { host, publicUrl }, pace: usualPace, pages: PageFiles.open() },
    openReading: isLoopback(host) && publicUrl === undefined && !trustProxy,
    log: log === "-" ? openLog() : silentLog(),
    metrics: new Metrics(() => runs.values()),
    limits: {
      address: new RateLimit(addressRate),
      session: new RateLimit(sessionRate),
      message: new RateLimit(messageRate),
    },
  };
}

async function servedRun(live: LiveServer, folder: RunFolder, name: string, stop: () => void): Promise<ServedRun> {
  return {
    ...{ id: folder.id, name, folder, live, stop },
    uploads: await Uploads.open(folder.folder, folder.files),
    blobs: new BlobReads(folder),
    events: new EventFeed(folder.paths.events, folder.files),
    operator: new OperatorAccess(await operatorToken(folder)),
  };
}

/** What is left of an upload goes when its order is over. */
async function sweep({ live, uploads }: ServedRun, { log }: Site): Promise<void> {
  try {
    await uploads.sweep((order) => live.isOpen(Number(order.split("/")[1]), order));
  } catch (error) {
    log.error({ err: error }, "partial uploads could not be removed"); // a run does not end for what only takes room
  }
}
