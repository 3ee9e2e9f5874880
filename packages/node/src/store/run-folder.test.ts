import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRunFolder, openRunFolder, writeRunFile } from "./run-folder.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "anabranch-runs-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe("run folder", () => {
  it("is named by date, name and id, and opens again with the same id", async () => {
    const date = new Date(2026, 2, 9, 7, 5, 3);
    const run = await createRunFolder({ root: join(root, "new"), name: "FedAvg, a = 0.1 (größer)!", date });
    expect(basename(run.folder)).toBe(`20260309-070503-fedavg-a-0-1-gro-er-${run.id}`);
    expect(run.id).toMatch(/^[a-z2-9]{6}$/);
    await writeRunFile(run.paths.config, "seed = 1\n");
    const again = await openRunFolder(run.folder);
    expect(again.id).toBe(run.id);
    expect(again.paths).toEqual(run.paths);
  });

  it("is unique and sorts by age", async () => {
    const make = (second: number) => createRunFolder({ root, name: "x", date: new Date(2026, 0, 1, 0, 0, second) });
    const runs = [...(await Promise.all([1, 1, 1].map(make))), await make(2)];
    const names = runs.map((run) => basename(run.folder));
    expect(new Set(names).size).toBe(4);
    expect(names.sort().at(-1)).toBe(basename(runs[3]!.folder));
  });

  it("has a name even for a run whose name has no letters", async () => {
    const run = await createRunFolder({ root, name: "../.." });
    expect(basename(run.folder)).toMatch(/^\d{8}-\d{6}-run-\w{6}$/);
  });

  it("can be written by one process only", async () => {
    const run = await createRunFolder({ root, name: "x" });
    expect(await run.isLocked()).toBe(false);
    const lock = await run.lock();
    expect(await run.isLocked()).toBe(true);
    await expect(run.lock()).rejects.toMatchObject({ code: "run/locked" });
    await lock.release();
  });

  it("refuses folders that hold no run, and places that are no folder", async () => {
    await mkdir(join(root, "other"));
    await expect(openRunFolder(join(root, "other"))).rejects.toMatchObject({ code: "run/not-found" });
    await writeFile(join(root, "file"), "");
    await expect(createRunFolder({ root: join(root, "file"), name: "x" })).rejects.toThrow();
  });
});
