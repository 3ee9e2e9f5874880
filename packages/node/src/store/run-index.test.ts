import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type RunEvent, stampEvent } from "@anabranch/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EventLog } from "./event-log.ts";
import { exampleEvents } from "./example-events.ts";
import { findRun } from "./find-run.ts";
import { createRunFolder, type RunFolder } from "./run-folder.ts";
import { RunIndex } from "./run-index.ts";
import { RunSummarizer } from "./run-summary.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "anabranch-index-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function run(name: string, events: readonly RunEvent[], second = 0): Promise<RunFolder> {
  const folder = await createRunFolder({ root, name, date: new Date(2026, 0, 1, 0, 0, second) });
  const log = await EventLog.open(folder.paths.events);
  const late = second * 1000;
  for (const event of events) {
    const at = new Date(Date.parse(event.at) + late).toISOString();
    await log.append(event.type === "run.started" ? { ...event, at, run: folder.id, name } : { ...event, at });
  }
  await log.close();
  return folder;
}

describe("run index", () => {
  it("tells of each run, newest first, and follows folders that come and go", async () => {
    using index = await RunIndex.open(root);
    expect(await index.list()).toEqual([]);
    const first = await run("first", exampleEvents({ rounds: 4 }), 1);
    const second = await run("second", exampleEvents({ rounds: 3, cutOff: true }), 2);
    const [newest, oldest] = await index.list();
    expect(newest).toMatchObject({ id: second.id, name: "second", status: "interrupted", roundsDone: 3 });
    expect(oldest).toEqual({
      ...{ id: first.id, folder: first.folder, name: "first", algorithm: "fedavg", model: "mlp", status: "finished" },
      ...{ dataset: "fashion-mnist-10k", roundsDone: 4, roundsTotal: 4, finalAccuracy: 0.8, bestAccuracy: 0.8 },
      ...{ finalRmse: null, finalR2: null },
      ...{ bytesDown: 400, bytesUp: 40, seconds: 2, seed: 7, reason: null, startedAt: "2026-01-01T00:00:01.000Z" },
      updatedAt: "2026-01-01T00:00:16.000Z",
    });
    await rm(second.folder, { recursive: true });
    expect((await index.list()).map(({ id }) => id)).toEqual([first.id]);
  });

  it("knows a run by id, beginning, name, folder and as the last one", async () => {
    const first = await run("alpha", exampleEvents({ rounds: 1 }), 1);
    const second = await run("beta", exampleEvents({ rounds: 1 }), 2);
    const names = [first.id, basename(first.folder), first.folder, "alpha", basename(first.folder).slice(0, 20)];
    for (const text of names) expect((await findRun(root, text)).id, text).toBe(first.id);
    expect((await findRun(root, "last")).id).toBe(second.id);
    const ambiguous = await findRun(root, "20260101").catch((reason: unknown) => reason);
    expect(ambiguous).toMatchObject({ code: "run/ambiguous" });
    expect(String(ambiguous)).toContain(first.id);
    const missing = await findRun(root, "alhpa").catch((reason: unknown) => reason);
    expect(missing).toMatchObject({ code: "run/not-found" });
    expect(String(missing)).toMatch(new RegExp(`such as ${first.id} \\(alpha\\)`));
  });

  it("finds a run outside its folder by its path", async () => {
    const outside = await run("x", exampleEvents({ rounds: 1 }));
    const elsewhere = await mkdtemp(join(tmpdir(), "anabranch-index-"));
    try {
      expect(await findRun(elsewhere, outside.folder)).toMatchObject({ id: outside.id, folder: outside.folder });
      await expect(findRun(elsewhere, "x")).rejects.toThrow(/no runs in this folder yet/);
    } finally {
      await rm(elsewhere, { recursive: true });
    }
  });

  it("shows a run as running only while its process lives", async () => {
    using index = await RunIndex.open(root);
    const folder = await run("x", exampleEvents({ rounds: 2, cutOff: true }));
    const lock = await folder.lock();
    index.update((await RunSummarizer.ofFolder(folder.folder)).summary);
    expect((await index.list())[0]).toMatchObject({ status: "running" });
    await lock.release();
    expect((await index.list())[0]).toMatchObject({ status: "interrupted" });
  });

  it("tells early stops, interruptions and failures apart", async () => {
    const stopped = (reason: "interrupted" | "early-stop" | "diverged" | "clients-failed" | "error") =>
      stampEvent({ type: "run.stopped", round: 2, reason, message: "" });
    const events = exampleEvents({ rounds: 2 });
    const [last, before] = [events.at(-1)!, events.slice(0, -1)];
    const status = async (...end: RunEvent[]) => {
      const folder = await run("x", [...before, ...end]);
      return (await RunSummarizer.ofFolder(folder.folder)).summary.status;
    };
    expect(await status(stopped("early-stop"), last)).toBe("stopped");
    expect(await status(stopped("interrupted"))).toBe("interrupted");
    expect(await status(stopped("diverged"))).toBe("diverged");
    expect(await status(stopped("clients-failed"))).toBe("failed");
    expect(await status(stopped("error"))).toBe("failed");
    expect(await status(stopped("interrupted"), ...exampleEvents({ rounds: 3, resumedFrom: 2 }))).toBe("finished");
  });

  it("is made anew from the folders, also when its file is damaged", async () => {
    const folder = await run("x", exampleEvents({ rounds: 2 }));
    {
      using index = await RunIndex.open(root);
      await index.list();
      index.update({ ...(await findRun(root, folder.id)), name: "wrong" });
      expect(await index.reindex()).toBe(1);
      expect((await index.list())[0]).toMatchObject({ name: "x" });
    }
    await writeFile(join(root, "index.sqlite"), "this is no database, and long enough to be one ".repeat(100));
    using index = await RunIndex.open(root);
    expect(await index.list()).toHaveLength(1);
  });

  it("is written by several processes at once", async () => {
    const script = `
      import { DatabaseSync } from "node:sqlite";
      const index = new DatabaseSync(process.argv[1] + "/index.sqlite", { timeout: 10000 });
      for (let i = 0; i < 50; i++) index.exec("UPDATE runs SET bytesUp = bytesUp + 1");`;
    const folder = await run("x", exampleEvents({ rounds: 1 }));
    using index = await RunIndex.open(root);
    await index.list();
    const children = [1, 2].map(() => spawn(process.execPath, ["--input-type=module", "-e", script, root]));
    const ends = children.map((child) => once(child, "exit"));
    for (let i = 0; i < 20; i++) (await RunIndex.open(root)).close();
    expect((await Promise.all(ends)).map(([code]) => code)).toEqual([0, 0]);
    expect((await index.list())[0]).toMatchObject({ id: folder.id, bytesUp: 10 + 100 });
  });
});
