import { appendFile, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { diskFileSystem } from "./disk-file-system.ts";
import { LogTail } from "./log-tail.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-tail-"));
  path = join(folder, "events.jsonl");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function read(tail: LogTail, most = Number.POSITIVE_INFINITY): Promise<string[]> {
  const found: string[] = [];
  for await (const { number, text } of tail.read()) {
    found.push(`${number} ${text}`);
    if (found.length === most) break;
  }
  return found;
}

describe("the tail of a log", () => {
  it("gives each whole line once as the file grows, wherever blocks end", async () => {
    const tail = new LogTail(path, diskFileSystem);
    expect(await read(tail)).toEqual([]);
    await writeFile(path, "one\ntw");
    expect(await read(tail)).toEqual(["1 one"]);
    const long = "ü".repeat(40_000); // a block ends inside a character
    await appendFile(path, `o\n${long}\n`);
    expect(await read(tail)).toEqual(["2 two", `3 ${long}`]);
    expect(await read(tail)).toEqual([]);
    expect([tail.isCut, tail.bytesLeft]).toEqual([false, 0]);
  });

  it("reads a block of empty lines", async () => {
    const lines = 2 ** 18;
    await writeFile(path, "\n".repeat(lines));
    expect((await read(new LogTail(path, diskFileSystem))).length).toBe(lines);
  });

  it("continues where a reader stopped", async () => {
    await writeFile(path, "one\ntwo\nthree\n");
    const tail = new LogTail(path, diskFileSystem);
    expect(await read(tail, 1)).toEqual(["1 one"]);
    expect(await read(tail)).toEqual(["2 two", "3 three"]);
  });

  it.each([
    ["became shorter", () => truncate(path, 4)],
    ["was replaced by another", () => writeFile(path, "one\nTWO\nthree\nfour\n")],
    ["is gone", () => rm(path)],
  ])("ends when the file %s", async (_, change) => {
    await writeFile(path, "one\ntwo\n");
    const tail = new LogTail(path, diskFileSystem);
    expect(await read(tail)).toHaveLength(2);
    await change();
    expect(await read(tail)).toEqual([]);
    expect(tail.isCut).toBe(true);
  });

  it("notices half a line that was removed, though more was added since", async () => {
    await writeFile(path, 'one\n{"cut');
    const tail = new LogTail(path, diskFileSystem);
    await read(tail);
    await truncate(path, 4);
    await appendFile(path, '{"type":"run.started"}\n');
    expect(await read(tail)).toEqual([]);
    expect(tail.isCut).toBe(true);
  });

  it("passes over lines that are too long, and keeps none of them", async () => {
    const tail = new LogTail(path, diskFileSystem, 10);
    await writeFile(path, `${"x".repeat(200_000)}\nshort\n`);
    expect([await read(tail), tail.tooLong]).toEqual([["2 short"], 1]);
  });

  it("follows no link", async () => {
    await writeFile(join(folder, "other"), "secret\n");
    await symlink(join(folder, "other"), path);
    await expect(read(new LogTail(path, diskFileSystem))).rejects.toMatchObject({ code: "store/link" });
  });
});
