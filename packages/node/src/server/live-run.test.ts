import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Config, parseEvent, resolveConfig } from "@anabranch/core";
import { replayed } from "@anabranch/core/conformance";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { joinRun } from "../client/join-run.ts";
import { parseJoinUrl } from "../client/join-url.ts";
import { simulated } from "../client/testing/live-site.ts";
import { pointsRun } from "../client/testing/points-run.ts";
import { openExecutor } from "../executors.ts";
import { type RunOutcome, startRun } from "../run/session.ts";
import type { Door } from "./door.ts";
import { HandClient } from "./testing/hand-client.ts";
import { type AloneOptions, serveAlone } from "./testing/serve-alone.ts";

let folder: string;
let config: Config;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-live-run-"));
  ({ config } = await pointsRun(folder, await openExecutor("onnxruntime-node"), {
    rounds: 2,
    algorithm: { name: "fedavg" },
  }));
});
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

interface Served {
  readonly door: Door;
  readonly outcome: Promise<RunOutcome>;
  readonly interrupt: AbortController;
}

async function serve(changes: Partial<AloneOptions> = {}, given = config): Promise<Served> {
  const opened = Promise.withResolvers<Door>();
  const interrupt = new AbortController();
  const outcome = serveAlone(
    {
      ...{ host: "127.0.0.1", port: 0, insecure: false, trustProxy: false, tokenSeconds: undefined },
      ...{ minimumClients: 3, progressSeconds: 2, onNotice: () => {} },
      onOpen: opened.resolve,
      ...changes,
    },
    { runs: join(folder, "runs"), signal: interrupt.signal },
    (options) => startRun(given, options),
  );
  outcome.catch(opened.reject);
  return { door: await opened.promise, outcome, interrupt };
}

const tokenOf = ({ joinLink }: Door) => new URL(joinLink).hash.slice("#token=".length);

describe("a live run", () => {
  it("refuses what a client may not do, leaves it out and ends in time", { timeout: 60_000 }, async () => {
    const { door, outcome } = await serve({ progressSeconds: 6 });
    const token = tokenOf(door);
    const clients = [0, 1, 2].map(() => new HandClient(door.url, door.run));
    const sessions = await Promise.all(clients.map((client, i) => client.join(token, i)));
    const [first, second, third] = clients as [HandClient, HandClient, HandClient];
    const { order, blob, bytes } = await first.heard("task");
    expect(order).toBe("1/0/0");
    await second.heard("task");

    const fetched = await first.fetchBlob(sessions[0]!, blob);
    expect([fetched.status, (await fetched.arrayBuffer()).byteLength]).toEqual([200, bytes]);
    expect((await first.fetchBlob("guessed", blob)).status).toBe(401);
    expect((await first.fetchBlob(sessions[0]!, "0".repeat(64))).status).toBe(404);

    const rubbish = new Uint8Array(500).fill(7);
    expect(await second.upload(sessions[1]!, "1/0/0", rubbish)).toBe("200 refused live/closed");
    expect(await first.upload(sessions[0]!, "1/0/0", new Uint8Array(10_000_000))).toBe("200 refused live/too-large");
    expect(await first.upload(sessions[0]!, "1/0/0", rubbish)).toMatch(/^200 refused safetensors\//);
    await third.leave();
    expect((await third.fetchBlob(sessions[2]!, blob)).status).toBe(401);

    const { result } = await outcome;
    expect(result).toMatchObject({ round: 2, stopped: "clients-failed" });
    expect(result.history.map(({ clients }) => clients)).toEqual([0, 0]);
  });

  it.each([
    ["no token", "", "live/token"],
    ["a guessed token", "guessed", "live/token"],
  ])("refuses a client with %s", async (_what, token, code) => {
    const { door, outcome, interrupt } = await serve();
    const client = new HandClient(door.url, door.run);
    await client.introduce(token, 0);
    expect(await client.heard("refused")).toMatchObject({ code, retry: false });
    interrupt.abort();
    await expect(outcome).rejects.toMatchObject({ code: "run/interrupted" });
  });

  it("refuses tokens that have expired or were revoked, and signatures for another server", async () => {
    const { door, outcome, interrupt } = await serve({ tokenSeconds: 1 });
    const relayed = new HandClient(door.url, door.run);
    await relayed.introduce(tokenOf(door), 0, "http://evil.example");
    expect(await relayed.heard("refused")).toMatchObject({ code: "live/identity" });
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const late = new HandClient(door.url, door.run);
    await late.introduce(tokenOf(door), 0);
    expect(await late.heard("refused")).toMatchObject({ code: "live/token-expired" });

    const headers = { authorization: `Bearer ${door.operatorToken}` };
    const made = await fetch(`${door.url}/api/runs/${door.run}/tokens`, { method: "POST", headers });
    const { token } = (await made.json()) as { token: string };
    const hash = Buffer.from(await crypto.subtle.digest("SHA-256", Buffer.from(token))).toString("hex");
    const revoked = await fetch(`${door.url}/api/runs/${door.run}/tokens/${hash}`, { method: "DELETE", headers });
    expect(revoked.status).toBe(200);
    const refused = new HandClient(door.url, door.run);
    await refused.introduce(token, 0);
    expect(await refused.heard("refused")).toMatchObject({ code: "live/token" });
    interrupt.abort();
    await expect(outcome).rejects.toMatchObject({ code: "run/interrupted" });
  });

  it("keeps an ejected client out", async () => {
    const { door, outcome, interrupt } = await serve();
    const client = new HandClient(door.url, door.run);
    await client.join(tokenOf(door), 0);
    const post = async (path: string) => {
      const headers = { authorization: `Bearer ${door.operatorToken}` };
      return (await fetch(`${door.url}/api/runs/${door.run}/${path}`, { method: "POST", headers })).status;
    };
    await expect.poll(() => post("clients/0/eject")).toBe(200);
    expect(await client.heard("refused")).toMatchObject({ code: "live/ejected" });
    expect(await post("clients/0/readmit")).toBe(200);
    expect(await post("clients/9/eject")).toBe(404);
    interrupt.abort();
    await expect(outcome).rejects.toMatchObject({ code: "run/interrupted" });
  });

  it("is stopped by the operator, also while it is paused", { timeout: 60_000 }, async () => {
    const { door, outcome } = await serve({ progressSeconds: 1, minimumClients: 1 });
    const post = async (action: string) => {
      const headers = { authorization: `Bearer ${door.operatorToken}` };
      return (await fetch(`${door.url}/api/runs/${door.run}/${action}`, { method: "POST", headers })).json();
    };
    expect(await post("pause")).toMatchObject({ state: "paused" });
    expect(await post("resume")).toMatchObject({ state: "waiting" });
    expect(await post("pause")).toMatchObject({ state: "paused" });
    const client = new HandClient(door.url, door.run);
    await client.join(tokenOf(door), 0);
    await expect.poll(async () => ((await post("resume")) as { state: string }).state).toBe("running");
    expect(await post("pause")).toMatchObject({ state: "paused" });
    expect(await post("stop")).toMatchObject({ state: "stopping" });
    expect(await post("pause")).toMatchObject({ state: "stopping" });
    const { result } = await outcome;
    expect(result.stopped).toBe("interrupted");
    expect(await client.heard("finished")).toMatchObject({ stopped: "interrupted" });
  });

  it("ends although a client has gone for good, and keeps no updates", { timeout: 60_000 }, async () => {
    const { door, outcome } = await serve({ progressSeconds: 1, minimumClients: 1 });
    const client = new HandClient(door.url, door.run);
    await client.join(tokenOf(door), 0);
    await client.heard("task");
    await client.leave();
    const { result } = await outcome;
    expect(result).toMatchObject({ stopped: "clients-failed", round: 2 });
    expect(await readdir(join(door.folder, "blobs"))).toEqual([]);
    const events = await readFile(join(door.folder, "events.jsonl"), "utf8");
    expect(events).toContain("client/late");
  });

  it("takes updates as they come in asynchronous rounds, which a simulation repeats", {
    timeout: 120_000,
  }, async () => {
    const executor = await openExecutor("onnxruntime-node");
    const more = { rounds: 4, algorithm: { name: "fedbuff" }, schedule: { buffer: 2, concurrency: 2 } };
    const run = await pointsRun(folder, executor, more);
    const { door, outcome } = await serve({ progressSeconds: 60 }, run.config);
    const clients = [0, 1, 2].map((client) =>
      joinRun({
        ...{ address: parseJoinUrl(door.joinLink), trust: { kind: "authorities" }, data: run.dataset, client },
        ...{ dataDir: undefined, name: "", labels: {}, folder: join(folder, `client-${client}`), limits: {} },
        ...{ algorithm: undefined, executor: "onnxruntime-node", giveUpAfterSeconds: 60 },
        ...{ signal: new AbortController().signal, report: () => {}, warn: () => {} },
      }),
    );
    const { result } = await outcome;
    expect(result).toMatchObject({ round: 4, stopped: "finished" });
    for (const end of await Promise.all(clients)) expect(end.modelHash).toBe(result.modelHash);
    const log = await readFile(join(door.folder, "events.jsonl"), "utf8");
    const events = log
      .trim()
      .split("\n")
      .map((line) => parseEvent(line));
    const rounds = events.flatMap((event) => (event.type === "round.finished" ? [event.updates!] : []));
    expect(rounds.map(({ length }) => length)).toEqual([2, 2, 2, 2]);
    expect((await simulated(replayed(run.prepared, rounds), executor)).modelHash).toBe(result.modelHash);
  });

  it.each([
    ["simulated speeds", { devices: { speed: "equal" } }, "devices.speed"],
    ["rounds that are not saved", { checkpoint: { every: 2 } }, "checkpoint.every"],
    ["client state", { algorithm: { name: "diloco", optimizer: "adamw" } }, "algorithm.name"],
  ] as const)("refuses asynchronous rounds with %s", async (_what, more, where) => {
    const given = resolveConfig({ ...config, schedule: { name: "buffered" }, ...more });
    await expect(serve({}, given)).rejects.toMatchObject({ code: "live/not-yet", failure: { where } });
  });

  it("draws the noise of a private run from the secure generator", { timeout: 60_000 }, async () => {
    const secret = resolveConfig({
      ...config,
      privacy: { mechanism: "gaussian" },
      sampler: { cohort: 2 },
      aggregation: {},
    });
    const { door, outcome } = await serve({ progressSeconds: 1, minimumClients: 1 }, secret);
    const status = `${door.url}/api/runs/${door.run}/status`;
    expect((await fetch(status)).status).toBe(401); // cohorts are secret
    const client = new HandClient(door.url, door.run);
    await client.join(tokenOf(door), 0);
    await outcome;
    const events = await readFile(join(door.folder, "events.jsonl"), "utf8");
    expect(events).toContain("secure random generator");
    expect(events).not.toContain("protects nobody");
  });
});
