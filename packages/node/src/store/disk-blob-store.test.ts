import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { blobStoreCases } from "@anabranch/core/conformance";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openDiskBlobStore } from "./disk-blob-store.ts";
import { failingFileSystem } from "./failing-file-system.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-blobs-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const bytes = (...values: number[]) => Uint8Array.from(values);

describe("disk blob store", () => {
  for (const { name, run } of blobStoreCases(() => openDiskBlobStore(folder))) it(name, run);

  it("keeps blobs for the next process", async () => {
    await (await openDiskBlobStore(folder)).put("deep/er/blob.bin", bytes(1, 2, 3));
    const again = await openDiskBlobStore(folder);
    expect(await again.list("")).toEqual(["deep/er/blob.bin"]);
    expect([...(await again.get("deep/er/blob.bin"))!]).toEqual([1, 2, 3]);
  });

  it("overlooks what a crash left half-written and removes it when opened", async () => {
    const store = await openDiskBlobStore(folder);
    await store.put("sub/blob", bytes(1));
    const leftOver = join(folder, "sub", ".blob.0123456789ab.tmp");
    await writeFile(leftOver, "half");
    expect(await store.list("")).toEqual(["sub/blob"]);
    await openDiskBlobStore(folder);
    expect(await readdir(join(folder, "sub"))).toEqual(["blob"]);
  });

  it.each([
    ["write", "ENOSPC", "store/disk-full"],
    ["syncFile", "EDQUOT", "store/disk-full"],
    ["rename", "EACCES", "store/not-writable"],
    ["write", "EROFS", "store/read-only"],
  ] as const)("keeps the old bytes when %s fails with %s", async (operation, code, expected) => {
    const first = await openDiskBlobStore(folder);
    await first.put("round-1", bytes(1));
    const store = await openDiskBlobStore(folder, failingFileSystem(operation, code));
    const error = await store.put("round-1", bytes(2, 2)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: expected });
    expect(String(error)).toMatch(/round-1 \(2 bytes\).*(anabranch resume RUN|--runs)/);
    expect([...(await first.get("round-1"))!]).toEqual([1]);
    expect(await readdir(folder)).toEqual(["round-1"]);
  });

  it("says so when its folder cannot be made", async () => {
    const opening = openDiskBlobStore(join(folder, "new"), failingFileSystem("makeFolder", "EACCES"));
    await expect(opening).rejects.toMatchObject({ code: "store/not-writable" });
  });
});
