import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConfigInput } from "@anabranch/core";
import { afterEach, beforeEach, expect, it } from "vitest";
import { joinRun } from "../client/join-run.ts";
import { parseJoinUrl } from "../client/join-url.ts";
import { pointsRun } from "../client/testing/points-run.ts";
import { openExecutor } from "../executors.ts";
import { startRun } from "../run/session.ts";
import type { Door } from "./door.ts";
import { serveRun } from "./serve-session.ts";

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

it("a run with secure aggregation ends with the model of its simulation", { timeout: 120_000 }, async () => {
  const { config, dataset } = await pointsRun(folder, await openExecutor("onnxruntime-node"), secure);
  const opened = Promise.withResolvers<Door>();
  const served = serveRun(
    {
      ...{ host: "127.0.0.1", port: 0, insecure: false, trustProxy: false, tokenSeconds: undefined },
      ...{ minimumClients: 3, progressSeconds: 60, onNotice: () => {}, onOpen: opened.resolve },
    },
    { runs: join(folder, "live") },
    (options) => startRun(config, options),
  );
  served.catch(opened.reject);
  const door = await opened.promise;
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
