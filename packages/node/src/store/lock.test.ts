import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { acquireLock, isLocked } from "./lock.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-lock-"));
  path = join(folder, "lock");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("lock", () => {
  it("lets one in at a time and the next after release", async () => {
    const lock = await acquireLock(path);
    expect(await isLocked(path)).toBe(true);
    const error = await acquireLock(path).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "run/locked" });
    expect(String(error)).toContain(String(process.pid));
    await lock.release();
    await lock.release();
    expect(await isLocked(path)).toBe(false);
    await (await acquireLock(path)).release();
    expect(await readdir(folder)).toEqual([]);
  });

  it("lets exactly one of many rivals take over the lock of a dead process", async () => {
    const child = spawn(process.execPath, ["-e", ""]);
    await once(child, "exit");
    for (let i = 0; i < 50; i++) {
      await writeFile(path, JSON.stringify({ pid: child.pid, host: hostname(), birth: "", token: `old ${i}` }));
      expect(await isLocked(path)).toBe(false);
      const rivals = await Promise.allSettled(Array.from({ length: 8 }, () => acquireLock(path)));
      expect(rivals.filter((rival) => rival.status === "fulfilled")).toHaveLength(1);
      for (const rival of rivals) {
        if (rival.status === "rejected") expect(rival.reason).toMatchObject({ code: "run/locked" });
      }
      expect(await readdir(folder)).toEqual(["lock"]);
      await rm(path);
    }
  });

  it("takes over from an earlier process of the same number, and from an empty file", async () => {
    if (process.platform === "linux") {
      await writeFile(path, JSON.stringify({ pid: process.pid, host: hostname(), birth: "other", token: "old" }));
      await (await acquireLock(path)).release();
    }
    await writeFile(path, "");
    const lock = await acquireLock(path);
    expect(JSON.parse(await readFile(path, "utf8"))).toMatchObject({ pid: process.pid });
    await lock.release();
  });

  it("does not take over from another machine, and does not release what is another's", async () => {
    const foreign = JSON.stringify({ pid: 1, host: "elsewhere.example", birth: "", token: "x" });
    const lock = await acquireLock(path);
    await writeFile(path, foreign);
    await lock.release();
    expect(await readFile(path, "utf8")).toBe(foreign);
    await expect(acquireLock(path)).rejects.toThrow(/delete the lock file/);
  });
});
