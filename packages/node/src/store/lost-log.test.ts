import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Checkpoint,
  type ConfigInput,
  checkpointName,
  encodeCheckpoint,
  renderToml,
  resolveConfig,
  stampEvent,
  type Trouble,
} from "@anabranch/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EventLog } from "./event-log.ts";
import { exampleEvents } from "./example-events.ts";
import { createRunFolder, type RunFolder } from "./run-folder.ts";
import { RunIndex } from "./run-index.ts";

let root: string;
let run: RunFolder;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "anabranch-lost-"));
  run = await createRunFolder({ root, name: "lost" });
});
afterEach(() => rm(root, { recursive: true, force: true }));

const totals = {
  ...{ bytesDown: 400, bytesUp: 40, seconds: 2, best: { round: 2, score: 0.7, stale: 2 } },
  last: { loss: 0.5, accuracy: 0.6 },
};

/** A folder without a log, of a run of 4 rounds with a checkpoint of one of them. */
async function lose(round: number, stop: ConfigInput["stop"] = {}, trouble?: Trouble): Promise<void> {
  const config = { name: "lost", seed: 7, rounds: 4, model: { name: "mlp" }, algorithm: { name: "scaffold" }, stop };
  await writeFile(run.paths.config, renderToml(resolveConfig(config)));
  const checkpoint: Checkpoint = {
    ...{ version: 1, packageVersion: "0", configHash: "c", dataHash: "d", executor: "e", round },
    totals: { ...totals, trouble },
    ...{ algorithm: "scaffold", layoutHash: "l", generator: { seed: 7 } },
    serverState: { vectors: { parameters: Float32Array.of(1) }, scalars: {} },
    clientStates: { kind: "inline", states: [] },
  };
  await writeFile(join(run.folder, checkpointName(round)), encodeCheckpoint(checkpoint));
}

async function listed() {
  using index = await RunIndex.open(root);
  return (await index.list())[0]!;
}

describe("a run whose event log is lost", () => {
  it("is listed as its configuration and newest checkpoint tell", async () => {
    await lose(4);
    expect(await listed()).toEqual({
      ...{ id: run.id, folder: run.folder, name: "lost", algorithm: "scaffold", dataset: "fashion-mnist-10k" },
      ...{ model: "mlp", status: "finished", roundsDone: 4, roundsTotal: 4, finalAccuracy: 0.6, bestAccuracy: 0.7 },
      ...{ finalRmse: null, finalR2: null },
      ...{ bytesDown: 400, bytesUp: 40, seconds: 2, seed: 7, reason: null },
      startedAt: expect.stringMatching(/^\d{4}-/),
      updatedAt: expect.stringMatching(/^\d{4}-/),
    });
  });

  it.each<[string, number, ConfigInput["stop"], string]>([
    ["with rounds left", 3, {}, "interrupted"],
    ["that had reached its target", 3, { targetAccuracy: 0.6 }, "stopped"],
    ["below its target", 3, { targetAccuracy: 0.65 }, "interrupted"],
    ["that no longer improved", 3, { patience: 2 }, "stopped"],
    ["that might still improve", 3, { patience: 3 }, "interrupted"],
  ])("%s", async (_what, round, stop, status) => {
    await lose(round, stop);
    expect(await listed()).toMatchObject({ status, roundsDone: round });
  });

  it.each<[number, Trouble["kind"], number, ConfigInput["stop"], string]>([
    [3, "clients", 3, {}, "failed"],
    [2, "clients", 2, {}, "interrupted"],
    [4, "clients", 1, {}, "failed"],
    [4, "unreleased", 3, {}, "finished"],
    [4, "unreleased", 4, {}, "failed"],
    [3, "model", 1, { patience: 2 }, "failed"],
    [3, "model", 1, { targetAccuracy: 0.6 }, "stopped"],
  ])("after round %i with trouble of kind %s for %i rounds", async (round, kind, rounds, stop, status) => {
    await lose(round, stop, { kind, rounds, reason: "clients-failed", message: "Why." });
    expect(await listed()).toMatchObject({ status, reason: status === "failed" ? "Why." : null });
  });

  it("and whose checkpoints are damaged or missing has done nothing that is known", async () => {
    await lose(4);
    await writeFile(join(run.folder, checkpointName(4)), "no checkpoint");
    expect(await listed()).toMatchObject({ name: "lost", status: "interrupted", roundsDone: 0, roundsTotal: 4 });
    await rm(run.paths.checkpoints, { recursive: true });
    expect(await listed()).toMatchObject({ name: "lost", status: "interrupted", roundsDone: 0 });
    await writeFile(run.paths.config, "rounds = ");
    expect(await listed()).toMatchObject({ status: "interrupted", roundsTotal: 0 });
  });

  it("is shown whole again once it was resumed, or its log is back", async () => {
    await lose(3);
    expect(await listed()).toMatchObject({ status: "interrupted", roundsDone: 3 });
    const log = await EventLog.open(run.paths.events);
    for (const event of exampleEvents({ rounds: 4, run: run.id, resumedFrom: 3, cutOff: true }))
      await log.append(event);
    await log.flush();
    expect(await listed()).toMatchObject({ status: "interrupted", roundsDone: 4 });
    await log.append(
      stampEvent({
        ...{ type: "run.finished", rounds: 4, loss: 0.4, accuracy: 0.65, bestRound: 2, bestAccuracy: 0.7 },
        ...{ seconds: 2.5, bytesDown: 500, bytesUp: 50, modelHash: "0" },
      }),
    );
    await log.close();
    const end = { status: "finished", roundsDone: 4, finalAccuracy: 0.65, bestAccuracy: 0.7 };
    expect(await listed()).toMatchObject({ ...end, seconds: 2.5, bytesDown: 500, bytesUp: 50 });
  });

  it("reads no checkpoint into memory that is larger than those of runs are", async () => {
    await lose(3);
    const huge = join(run.folder, checkpointName(4));
    await writeFile(huge, "");
    await truncate(huge, 2 ** 31 - 1);
    const before = process.resourceUsage().maxRSS;
    expect(await listed()).toMatchObject({ status: "interrupted", roundsDone: 3 });
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(2 ** 20); // a gigabyte
  });
});
