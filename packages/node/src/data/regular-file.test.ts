import { execFileSync } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readRegularFile } from "./regular-file.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-file-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("readRegularFile", () => {
  it("reads a file up to a size, also behind a link", async () => {
    await writeFile(join(folder, "file"), "abc");
    await symlink("file", join(folder, "link"));
    expect(Buffer.from(await readRegularFile(join(folder, "link"), 3)).toString()).toBe("abc");
    await expect(readRegularFile(join(folder, "file"), 2)).rejects.toMatchObject({ code: "data/too-large" });
    await expect(readRegularFile(join(folder, "none"), 2)).rejects.toMatchObject({ code: "data/unreadable" });
    await expect(readRegularFile(folder, 2)).rejects.toThrow(/received a folder/);
  });

  it.skipIf(process.platform === "win32")("refuses pipes and devices", async () => {
    execFileSync("mkfifo", [join(folder, "pipe")]);
    await expect(readRegularFile(join(folder, "pipe"), 10)).rejects.toThrow(/received a pipe or device/);
    await expect(readRegularFile("/dev/zero", 10)).rejects.toThrow(/received a pipe or device/);
  });
});
