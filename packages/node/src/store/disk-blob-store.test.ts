import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
  it("keeps blobs for the next process and lists them by prefix in order", async () => {
    const store = await openDiskBlobStore(folder);
    await store.put("round-2", bytes(2));
    await store.put("round-10", bytes(10));
    await store.put("deep/er/blob.bin", bytes(1, 2, 3));
    await store.put("round-2", bytes(3));
    const again = await openDiskBlobStore(folder);
    expect(await again.list("")).toEqual(["deep/er/blob.bin", "round-10", "round-2"]);
    expect(await again.list("round-1")).toEqual(["round-10"]);
    expect(await again.list("deep/e")).toEqual(["deep/er/blob.bin"]);
    expect(await again.list("nothing/")).toEqual([]);
    expect([...(await again.get("round-2"))!]).toEqual([3]);
    expect(await again.get("absent")).toBeUndefined();
    await again.delete("round-2");
    await again.delete("round-2");
    expect(await again.get("round-2")).toBeUndefined();
  });

  it("refuses names that leave its folder", async () => {
    const store = await openDiskBlobStore(folder);
    for (const name of ["../outside", "/etc/passwd", "a/../../b", "", ".hidden", "a//b", "a\\..\\b"]) {
      await expect(store.put(name, bytes(1)), name).rejects.toMatchObject({ code: "blob/name" });
      await expect(store.get(name), name).rejects.toMatchObject({ code: "blob/name" });
    }
    await expect(store.list("../")).rejects.toMatchObject({ code: "blob/name" });
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
    ["write", "EROFS", "store/not-writable"],
  ] as const)("keeps the old bytes when %s fails with %s", async (operation, code, expected) => {
    const first = await openDiskBlobStore(folder);
    await first.put("round-1", bytes(1));
    const store = await openDiskBlobStore(folder, failingFileSystem(operation, code));
    const error = await store.put("round-1", bytes(2, 2)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: expected });
    expect(String(error)).toMatch(/round-1 \(2 bytes\).*anabranch resume RUN/);
    expect([...(await first.get("round-1"))!]).toEqual([1]);
    expect(await readdir(folder)).toEqual(["round-1"]);
  });

  it("says so when its folder cannot be made", async () => {
    const opening = openDiskBlobStore(join(folder, "new"), failingFileSystem("makeFolder", "EROFS"));
    await expect(opening).rejects.toMatchObject({ code: "store/not-writable" });
  });
});
