import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Config, type ConfigInput, encodeUpdate } from "@anabranch/core";
import { WITHHELD } from "@anabranch/core/live";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { joinRun } from "../client/join-run.ts";
import { parseJoinUrl } from "../client/join-url.ts";
import { pointsRun } from "../client/testing/points-run.ts";
import { openExecutor } from "../executors.ts";
import { type RunOutcome, startRun } from "../run/session.ts";
import type { Door } from "./door.ts";
import { HandClient } from "./testing/hand-client.ts";
import { serveAlone } from "./testing/serve-alone.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-secure-run-"));
});
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

/** Large enough for masked vectors to go by HTTP. */
const secure: ConfigInput = {
  rounds: 2,
  algorithm: { name: "fedavg" },
  model: { name: "mlp", hidden: [120, 120] },
  secureAggregation: { protocol: "bonawitz" },
};

async function serve(
  config: Config,
  minimumClients = 3,
  signal = new AbortController().signal,
): Promise<{ readonly door: Door; readonly served: Promise<RunOutcome> }> {
  const opened = Promise.withResolvers<Door>();
  const served = serveAlone(
    {
      ...{ host: "127.0.0.1", port: 0, insecure: false, trustProxy: false, tokenSeconds: undefined },
      ...{ minimumClients, progressSeconds: 60, onNotice: () => {}, onOpen: opened.resolve },
    },
    { runs: join(folder, "live"), signal },
    (options) => startRun(config, options),
  );
  served.catch(opened.reject);
  return { door: await opened.promise, served };
}

describe("a run with secure aggregation", { timeout: 120_000 }, () => {
  it("ends with the model of its simulation", async () => {
    const { config, dataset } = await pointsRun(folder, await openExecutor("onnxruntime-node"), secure);
    const { door, served } = await serve(config);
    const sent: string[] = [];
    const client = (number: number) =>
      joinRun({
        address: parseJoinUrl(door.joinLink),
        trust: { kind: "authorities" },
        ...{ data: dataset, client: number, dataDir: undefined, name: undefined, labels: {}, algorithm: undefined },
        folder: join(folder, `client-${number}`),
        ...{ limits: {}, executor: "onnxruntime-node", giveUpAfterSeconds: 60, signal: new AbortController().signal },
        report: (event) => {
          if (event.type === "answered") sent.push(`${event.stage} ${event.bytes > 32_768 ? "long" : "short"}`);
        },
        warn: () => {},
      });
    await Promise.all([client(0), client(1), client(2)]);
    const { result } = await served;
    const simulated = await startRun(config, { runs: join(folder, "simulated") });
    expect(result.modelHash).toBe(simulated.result.modelHash);
    expect(new Set(sent)).toEqual(
      new Set(["advertise short", "share short", "mask long", "consistency short", "unmask short"]),
    );
    expect(await readdir(join(door.folder, "blobs"))).toEqual([]);
    const record = JSON.parse(await readFile(join(folder, "client-1", "secure", `${door.run}.json`), "utf8"));
    expect(record).toMatchObject({ round: 2, answered: true });
    expect(Object.keys(record.keys)).toEqual(["0", "1", "2"]);
  });

  it.each([
    [
      "bonawitz",
      2,
      /^A sum of bonawitz needs 3 clients of the cohort, and the run starts with 2\. .* --clients 3 or more/,
    ],
    ["lightsecagg", 1, /needs 3 clients/],
    ["bonawitz", 3, undefined],
  ] as const)("with %s warns of a start with %d clients where a sum needs more", async (protocol, clients, warning) => {
    const more = { ...secure, secureAggregation: { protocol } } as const;
    const { config } = await pointsRun(folder, await openExecutor("onnxruntime-node"), more);
    const stop = new AbortController();
    const { door, served } = await serve(config, clients, stop.signal);
    stop.abort();
    await expect(served).rejects.toMatchObject({ code: "run/interrupted" });
    expect(door.warnings).toEqual(warning === undefined ? [] : [expect.stringMatching(warning)]);
  });

  it("takes no vector and no message of another client, and garbage ends its rounds at once", async () => {
    const { config, prepared } = await pointsRun(folder, await openExecutor("onnxruntime-node"), secure);
    const { door, served } = await serve(config);
    const token = new URL(door.joinLink).hash.slice("#token=".length);
    const clients = [0, 1, 2].map(() => new HandClient(door.url, door.run));
    const sessions = await Promise.all(clients.map((client, i) => client.join(token, i)));
    const { hash: layoutHash, size } = prepared.plan.layout;
    const update = (client: number, vectors: Record<string, Float64Array<ArrayBuffer>>) =>
      encodeUpdate({ round: 1, client, layoutHash, vectors, public: WITHHELD });
    await clients[0]!.heard("task");
    const clear = update(0, { integers: new Float64Array(size + 2) });
    expect(await clients[0]!.upload(sessions[0]!, "1/0/0", clear)).toBe("200 refused live/too-large");
    for (const [i, client] of clients.entries()) {
      await client.heard("task");
      expect(await client.upload(sessions[i]!, `1/${i}/0`, update(i, {}))).toBe("200 accepted");
    }
    const asked = await Promise.all(clients.map((client) => client.heard("secure")));
    const [first] = asked;
    expect(await clients[1]!.upload(sessions[1]!, first!.order, new Uint8Array(9))).toBe("200 refused live/closed");
    expect((await clients[1]!.fetchBlob(sessions[1]!, first!.blob)).status).toBe(404);
    const huge = new Uint8Array(10_000_000);
    expect(await clients[0]!.upload(sessions[0]!, first!.order, huge)).toBe("200 refused live/too-large");
    for (const [i, client] of clients.entries()) client.say({ type: "answer", order: asked[i]!.order, body: "AAAA" });
    await expect.poll(() => clients[0]!.received.some((m) => m.type === "task" && m.version === 2)).toBe(true);
    for (const client of clients) client.say({ type: "leave" });
    const { result } = await served;
    expect(result).toMatchObject({ round: 2, stopped: "clients-failed" });
    const events = await readFile(join(door.folder, "events.jsonl"), "utf8");
    expect(events).toContain("too few clients have advertised keys (");
  });
});
