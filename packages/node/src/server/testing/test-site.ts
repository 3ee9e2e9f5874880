import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openRunFolder } from "../../store/run-folder.ts";
import { createApp } from "../app.ts";
import { BlobReads } from "../blob-reads.ts";
import { usualPace } from "../body.ts";
import { EventFeed } from "../event-feed.ts";
import { silentLog } from "../log.ts";
import { Metrics } from "../metrics.ts";
import { OperatorAccess, operatorToken } from "../operator.ts";
import type { Peer } from "../peer.ts";
import { RateLimit } from "../rate-limit.ts";
import { folderBlobs } from "../run-blobs.ts";
import type { ServedRun } from "../served-run.ts";
import type { Site } from "../site.ts";
import { Uploads } from "../uploads.ts";
import { FakeLive } from "./fake-live.ts";

export const localPeer: Peer = { address: "127.0.0.1", local: "127.0.0.1", port: 8080, encrypted: false };

/** A site with one run, "run234", whose folder is a new one. */
export interface TestSite {
  readonly site: Site;
  readonly live: FakeLive;
  readonly run: ServedRun;
  readonly token: string;
  readonly stops: { count: number };
  /** A request without a socket. */
  request(path: string, init?: RequestInit & { readonly peer?: Peer }): Promise<Response>;
  remove(): Promise<void>;
}

export async function testSite(changes: Partial<Site> = {}, ofRun: Partial<ServedRun> = {}): Promise<TestSite> {
  const base = await mkdtemp(join(tmpdir(), "anabranch-server-"));
  await writeFile(join(base, "config.toml"), "");
  const folder = await openRunFolder(base);
  const token = await operatorToken(folder);
  const blobs = await folderBlobs(folder.folder, folder.files);
  const live = new FakeLive();
  const stops = { count: 0 };
  const run: ServedRun = {
    ...{ id: "run234", name: "a test", folder, live, isPrivate: false, log: silentLog() },
    uploads: await Uploads.open(folder.folder, folder.files, blobs),
    blobs: new BlobReads(blobs),
    events: new EventFeed(folder.paths.events, folder.files),
    operator: new OperatorAccess(token),
    joinLink: (join) => `http://127.0.0.1:8080/join/run234#token=${join}`,
    stop: () => {
      stops.count++;
    },
    ...ofRun,
  };
  const runs = new Map([[run.id, run]]);
  const plenty = () => new RateLimit({ burst: 10_000, perSecond: 10_000 });
  const site: Site = {
    ...{
      runs,
      addresses: { host: "127.0.0.1" },
      trustProxy: false,
      openReading: true,
      isStarting: false,
      pages: undefined,
    },
    log: silentLog(),
    metrics: new Metrics(),
    limits: { address: plenty(), session: plenty(), message: plenty() },
    pace: usualPace,
    ...changes,
  };
  const app = createApp(site);
  return {
    ...{ site, live, run, token, stops },
    request: async (path, { peer = localPeer, ...init } = {}) =>
      app.request(`http://127.0.0.1:8080${path}`, { ...init, headers: withHost(init.headers) }, { peer }),
    remove: () => rm(base, { recursive: true, force: true }),
  };
}

function withHost(given: RequestInit["headers"]): Headers {
  const headers = new Headers(given);
  if (!headers.has("host")) headers.set("host", "127.0.0.1:8080");
  return headers;
}

export const asClient = (client: number) => ({ authorization: `Bearer session-${client}` });
