import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LiveServer } from "@anabranch/core/live";
import { pointsRun } from "../../client/testing/points-run.ts";
import { openExecutor } from "../../executors.ts";
import { startRun } from "../../run/session.ts";
import type { Door } from "../door.ts";
import { HandClient } from "./hand-client.ts";
import { serveAlone } from "./serve-alone.ts";

/** A real server of a run that waits for its clients for as long as a test takes. */
export interface Served {
  readonly door: Door;
  readonly live: LiveServer;
  /** The join token. */
  readonly token: string;
  /** Address of the run's routes. */
  readonly api: string;
  /** Clients 0 and 1, which can work. */
  readonly clients: readonly [HandClient, HandClient];
  readonly sessions: readonly [string, string];
  close(): Promise<void>;
}

/** Serves a run of three places; clients 0 and 1 are there and have their orders of round 1. */
export async function serveTrial(): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), "anabranch-served-"));
  const { config } = await pointsRun(folder, await openExecutor("onnxruntime-node"), {
    algorithm: { name: "fedavg" },
  });
  const opened = Promise.withResolvers<Door>();
  const server = Promise.withResolvers<LiveServer>();
  const interrupt = new AbortController();
  const outcome = serveAlone(
    {
      ...{ host: "127.0.0.1", port: 0, insecure: false, trustProxy: false, tokenSeconds: undefined },
      ...{ minimumClients: 2, progressSeconds: 600, onOpen: opened.resolve },
      onNotice: (_notice, live) => server.resolve(live),
    },
    { runs: join(folder, "runs"), signal: interrupt.signal },
    (options) => startRun(config, options),
  );
  outcome.catch(opened.reject);
  const door = await opened.promise;
  const token = new URL(door.joinLink).hash.slice("#token=".length);
  const clients = [new HandClient(door.url, door.run), new HandClient(door.url, door.run)] as const;
  const sessions = [await clients[0].join(token, 0), await clients[1].join(token, 1)] as const;
  for (const client of clients) await client.heard("task");
  return {
    ...{ door, token, clients, sessions, live: await server.promise },
    api: `${door.url}/api/runs/${door.run}`,
    async close() {
      interrupt.abort();
      for (const client of clients) client.say({ type: "leave" });
      await outcome.catch(() => undefined);
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
