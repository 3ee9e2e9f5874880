import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config, ConfigInput } from "@anabranch/core";
import type { LiveClientResult } from "@anabranch/core/live";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { joinRun } from "../client/join-run.ts";
import { parseJoinUrl } from "../client/join-url.ts";
import { pointsRun } from "../client/testing/points-run.ts";
import { openExecutor } from "../executors.ts";
import { type RunOutcome, type SessionOptions, startRun } from "../run/session.ts";
import type { Door } from "./door.ts";
import { ListeningSite } from "./listening-site.ts";
import { type ServeOptions, serveRun } from "./serve-session.ts";
import { HandClient } from "./testing/hand-client.ts";

let folder: string;
let site: ListeningSite;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-several-"));
  const at = { host: "127.0.0.1", port: 0, insecure: false, trustProxy: false };
  site = await ListeningSite.open({ ...at, runs: 2, resumed: [] });
});
afterEach(async () => {
  await site.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** A run of two rounds with two clients. */
const configOf = async (more: ConfigInput) => {
  const small = { rounds: 2, data: { clients: 2 }, sampler: { cohort: 2 }, ...more };
  return (await pointsRun(folder, await openExecutor("onnxruntime-node"), small)).config;
};

interface Served {
  readonly door: Door;
  readonly outcome: Promise<RunOutcome>;
  readonly interrupt: AbortController;
}

async function serve(
  config: Config,
  options: Partial<ServeOptions> = {},
  session: Partial<SessionOptions> = {},
): Promise<Served> {
  const opened = Promise.withResolvers<Door>();
  const interrupt = new AbortController();
  const outcome = serveRun(
    site,
    {
      ...{ minimumClients: 2, progressSeconds: 600, tokenSeconds: undefined },
      ...{ onNotice: () => {}, onOpen: opened.resolve },
      ...options,
    },
    { runs: join(folder, "live"), signal: interrupt.signal, ...session },
    (given) => startRun(config, given),
  );
  outcome.catch(opened.reject);
  return { door: await opened.promise, outcome, interrupt };
}

function joinBoth({ run, joinLink }: Door, dataset: string): Promise<LiveClientResult[]> {
  const client = (number: number) =>
    joinRun({
      address: parseJoinUrl(joinLink),
      trust: { kind: "authorities" },
      ...{ data: dataset, client: number, dataDir: undefined, name: undefined, labels: {}, algorithm: undefined },
      folder: join(folder, `${run}-${number}`),
      ...{ limits: {}, executor: "onnxruntime-node", giveUpAfterSeconds: 60, signal: new AbortController().signal },
      report: () => {},
      warn: () => {},
    });
  return Promise.all([client(0), client(1)]);
}

const tokenOf = ({ joinLink }: Door) => new URL(joinLink).hash.slice("#token=".length);

async function http(method: string, url: string, token?: string): Promise<string> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(url, { method, headers });
  const { code = "", state = "" } = (await response.json()) as { code?: string; state?: string };
  return `${response.status} ${code}${state}`;
}
const api = ({ url, run }: Door, path: string) => `${url}/api/runs/${run}/${path}`;

describe("a server with two runs", { timeout: 300_000 }, () => {
  it("trains both at once to the models that each has alone", async () => {
    const configs = [
      await configOf({ name: "north", algorithm: { name: "scaffold" } }),
      await configOf({ name: "south", seed: 9, rounds: 3, algorithm: { name: "fedavg" } }),
    ];
    const served = await Promise.all(configs.map((config) => serve(config)));
    const trained = served.map(({ door }, i) => joinBoth(door, configs[i]!.data.dataset));
    const outcomes = await Promise.all(served.map(({ outcome }) => outcome));
    for (const [i, config] of configs.entries()) {
      const alone = await startRun(config, { runs: join(folder, "simulated"), workers: 0 });
      expect(outcomes[i]!.result.modelHash).toBe(alone.result.modelHash);
      for (const end of await trained[i]!)
        expect(end).toEqual({ stopped: "finished", round: config.rounds, modelHash: alone.result.modelHash });
      const { door } = served[i]!;
      const events = await readFile(join(door.folder, "events.jsonl"), "utf8");
      expect(events.match(/"run\.started"/g)).toHaveLength(1);
      expect(await http("GET", api(door, "status"))).toBe("200 finished");
    }
    expect(new Set(outcomes.map(({ folder: own }) => own)).size).toBe(2);
  });

  it("continues one where the other fails, and where the other is stopped", async () => {
    const config = await configOf({ algorithm: { name: "fedavg" } });
    const onEvent = ({ type }: { readonly type: string }) => {
      if (type === "round.finished") throw new Error("the disk is gone");
    };
    const broken = await serve(config, { minimumClients: 1, progressSeconds: 1 }, { onEvent });
    const whole = await serve(config);
    const client = new HandClient(broken.door.url, broken.door.run);
    await client.join(tokenOf(broken.door), 0);
    await expect(broken.outcome).rejects.toThrow("the disk is gone");
    // it may be resumed, so clients come back
    expect(await client.heard("refused")).toMatchObject({ code: "live/run-failed", retry: true });
    const again = new HandClient(broken.door.url, broken.door.run);
    expect(await again.heard("refused")).toMatchObject({ code: "live/run-failed", retry: true });
    expect(await http("GET", api(broken.door, "status"))).toBe("200 failed");
    expect(await http("POST", api(broken.door, "tokens"), broken.door.operatorToken)).toBe("409 live/over");
    const ends = await joinBoth(whole.door, config.data.dataset);
    expect(ends.map(({ stopped }) => stopped)).toEqual(["finished", "finished"]);
    expect((await whole.outcome).result.stopped).toBe("finished");
  });

  it("keeps the tokens, sessions and metrics of a run from the other", async () => {
    const config = await configOf({ algorithm: { name: "fedavg" } });
    const [a, b] = [await serve(config), await serve(config)];
    const known = new HandClient(a.door.url, a.door.run);
    const session = await known.join(tokenOf(a.door), 0);
    const stranger = new HandClient(b.door.url, b.door.run);
    await stranger.introduce(tokenOf(a.door), 0);
    expect(await stranger.refused()).toBe("live/token");
    const hash = "0".repeat(64);
    expect(await http("GET", api(b.door, `blobs/${hash}`), session)).toBe("401 live/session");
    expect(await http("GET", api(b.door, `orders/1.0.0?total=1&hash=${hash}`), session)).toBe("401 live/session");
    for (const [method, path] of [
      ["POST", "pause"],
      ["POST", "stop"],
      ["GET", "tokens"],
      ["POST", "clients/0/eject"],
    ] as const)
      expect(await http(method, api(b.door, path), a.door.operatorToken)).toBe("401 operator/token");
    const metrics = await (await fetch(`${a.door.url}/metrics`)).text();
    for (const { door } of [a, b]) expect(metrics).toContain(`anabranch_round{run="${door.run}"}`);
    expect(await http("POST", api(a.door, "stop"), a.door.operatorToken)).toBe("200 stopping");
    await expect(a.outcome).rejects.toMatchObject({ code: "run/interrupted" });
    expect(await http("GET", api(a.door, "status"))).toBe("200 finished");
    expect(await http("GET", api(b.door, "status"))).toBe("200 waiting");
    b.interrupt.abort();
    await expect(b.outcome).rejects.toMatchObject({ code: "run/interrupted" });
  });

  it("shows a private run to its operator alone", async () => {
    const open = await serve(await configOf({ algorithm: { name: "fedavg" } }));
    const secret = await serve(
      await configOf({
        ...{ algorithm: { name: "fedavg" }, sampler: { cohort: 1 }, training: { batchSize: 4, localSteps: 3 } },
        privacy: { mechanism: "gaussian", noiseMultiplier: 1, delta: 0.1 },
      }),
    );
    expect(await http("GET", api(open.door, "status"))).toBe("200 waiting");
    expect(await http("GET", api(secret.door, "status"))).toBe("401 operator/token");
    const metrics = async (token?: string) => {
      const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const text = await (await fetch(`${open.door.url}/metrics`, { headers })).text();
      const shown = [open, secret].filter(({ door }) => text.includes(`run="${door.run}"`)).map(({ door }) => door.run);
      return { shown, ofServer: text.includes("anabranch_http_request_seconds") };
    };
    // how many updates came shows how many clients a round of the private run has
    expect(await metrics()).toEqual({ shown: [open.door.run], ofServer: false });
    expect(await metrics(secret.door.operatorToken)).toEqual({
      shown: [open.door.run, secret.door.run],
      ofServer: true,
    });
    for (const { interrupt, outcome } of [open, secret]) {
      interrupt.abort();
      await expect(outcome).rejects.toMatchObject({ code: "run/interrupted" });
    }
  });
});
