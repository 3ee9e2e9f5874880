import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveConfig } from "@anabranch/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pointsRun } from "../client/testing/points-run.ts";
import { openExecutor } from "../executors.ts";
import { type RunOutcome, resumeRun, type SessionOptions, startRun } from "../run/session.ts";
import type { Door } from "./door.ts";
import { HandClient } from "./testing/hand-client.ts";
import { serveAlone } from "./testing/serve-alone.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-private-"));
});
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

/** Serves until the run ends; one client joins, takes its order and leaves. */
async function serve(client: number, begin: (options: SessionOptions) => Promise<RunOutcome>): Promise<RunOutcome> {
  const opened = Promise.withResolvers<Door>();
  const outcome = serveAlone(
    {
      ...{ host: "127.0.0.1", port: 0, insecure: false, trustProxy: false, tokenSeconds: undefined },
      ...{ minimumClients: 1, progressSeconds: 1, onNotice: () => {}, onOpen: opened.resolve },
    },
    { runs: join(folder, "runs") },
    begin,
  );
  outcome.catch(opened.reject);
  const door = await opened.promise;
  const hand = new HandClient(door.url, door.run);
  await hand.join(new URL(door.joinLink).hash.slice("#token=".length), client);
  await hand.leave();
  return outcome;
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "went on",
    (error: { code: string }) => error.code,
  );

describe("a private live run", { timeout: 60_000 }, () => {
  it("does not train rounds again after its folder was rolled back, for no client", async () => {
    const { config } = await pointsRun(folder, await openExecutor("onnxruntime-node"), {
      rounds: 3,
      algorithm: { name: "fedavg" },
      checkpoint: { keep: 5 },
    });
    const secret = resolveConfig({
      ...{ ...config, aggregation: {}, sampler: { cohort: 2 } },
      privacy: { mechanism: "gaussian", noiseMultiplier: 1, delta: 0.1 },
    });
    const { folder: run } = await serve(0, (options) => startRun(secret, options));
    const checkpoints = (await readdir(join(run, "checkpoints"))).sort();
    const newest = checkpoints.filter((name) => /^round-.*\.safetensors$/.test(name)).at(-1)!;
    const resumed = (client: number) => codeOf(serve(client, (options) => resumeRun(run, options)));

    await rm(join(run, "checkpoints", newest));
    expect(await resumed(1)).toBe("live/second-release");

    for (const file of ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"])
      await rm(join(run, file), { force: true });
    expect(await resumed(2)).toBe("live/lost-ledger");
  });

  it("does not begin anew with another ledger, even before its first checkpoint", async () => {
    const { config } = await pointsRun(folder, await openExecutor("onnxruntime-node"), {
      rounds: 2,
      algorithm: { name: "fedavg" },
    });
    const secret = resolveConfig({
      ...{ ...config, aggregation: {}, sampler: { cohort: 2 } },
      privacy: { mechanism: "gaussian", noiseMultiplier: 1, delta: 0.1 },
    });
    const { folder: run } = await serve(0, (options) => startRun(secret, options));
    for (const part of ["checkpoints", "ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"])
      await rm(join(run, part), { recursive: true, force: true });
    expect(await codeOf(serve(1, (options) => resumeRun(run, options)))).toBe("live/lost-ledger");
  });
});
