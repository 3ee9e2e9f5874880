import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openRunFolder, type RunFolder } from "../store/run-folder.ts";
import { BlobReads } from "./blob-reads.ts";

let folder: RunFolder;
let reads: number;
let blobs: BlobReads;
beforeEach(async () => {
  const base = await mkdtemp(join(tmpdir(), "anabranch-blobs-"));
  await writeFile(join(base, "config.toml"), "");
  await mkdir(join(base, "blobs"));
  await writeFile(join(base, "blobs", "a"), "the model");
  folder = await openRunFolder(base);
  reads = 0;
  const read: RunFolder["files"]["read"] = (path, limit) => {
    reads++;
    return folder.files.read(path, limit);
  };
  blobs = new BlobReads({ ...folder, files: { ...folder.files, read } });
});
afterEach(() => rm(folder.folder, { recursive: true, force: true }));

it("reads a blob once for all who want it at the same time", async () => {
  const opened = await Promise.all(Array.from({ length: 5 }, () => blobs.open("a")));
  expect(opened.map((blob) => Buffer.from(blob!.bytes).toString())).toEqual(Array(5).fill("the model"));
  for (const blob of opened.slice(1)) blob![Symbol.dispose]();
  expect((await blobs.open("a"))!.bytes).toBe(opened[0]!.bytes);
  expect(reads).toBe(1);
});

it("lets go of a blob that nobody wants any more", async () => {
  for (let time = 1; time <= 2; time++) {
    const [first, second] = await Promise.all([blobs.open("a"), blobs.open("a")]);
    for (let i = 0; i < 3; i++) first![Symbol.dispose](); // counts once
    second![Symbol.dispose]();
    expect(reads).toBe(time);
  }
});

it("keeps nothing of a blob that is missing or cannot be read", async () => {
  expect([await blobs.open("b"), await blobs.open("b")]).toEqual([undefined, undefined]);
  await mkdir(join(folder.folder, "blobs", "c"));
  await expect(blobs.open("c")).rejects.toThrow();
  await rm(join(folder.folder, "blobs", "c"), { recursive: true });
  await writeFile(join(folder.folder, "blobs", "c"), "there now");
  expect(Buffer.from((await blobs.open("c"))!.bytes).toString()).toBe("there now");
});
