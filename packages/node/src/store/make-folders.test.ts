import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeFolders } from "./make-folders.ts";
import { storageError } from "./storage-error.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-folders-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("folders", () => {
  it("are made with those above them, once or again", async () => {
    const path = join(folder, "a", "b");
    for (let i = 0; i < 2; i++) await makeFolders(path, 0o700);
    expect((await stat(path)).mode & 0o777).toBe(0o700);
  });

  it("on a read-only disk are refused for that reason", async ({ skip }) => {
    const disk = join(folder, "disk");
    await mkdir(disk);
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k,ro", "tmpfs", disk]).status === 0;
    skip(!mounted, "only a user who may mount a disk can test this");
    const place = { what: "the folder", path: disk };
    const code = await makeFolders(join(disk, "a", "b")).catch((error: unknown) => storageError(error, place));
    expect(code).toMatchObject({ code: "store/read-only" });
    spawnSync("umount", [disk]);
  });
});
