import type { BlobStore } from "@anabranch/core";
import { beforeEach, expect, it } from "vitest";
import { BlobReads } from "./blob-reads.ts";

let stored: Record<string, string | Error>;
let reads: number;
let store: Pick<BlobStore, "get">;
let blobs: BlobReads;
beforeEach(() => {
  stored = { "blobs/a": "the model" };
  reads = 0;
  store = {
    async get(name) {
      reads++;
      const found = stored[name];
      if (found instanceof Error) throw found;
      return found === undefined ? undefined : Buffer.from(found);
    },
  };
  blobs = new BlobReads(store);
});

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
  stored["blobs/c"] = new Error("out of order");
  await expect(blobs.open("c")).rejects.toThrow();
  stored["blobs/c"] = "there now";
  expect(Buffer.from((await blobs.open("c"))!.bytes).toString()).toBe("there now");
});

it("keeps the blob that was sent last, and no other, for as long as it lingers", async () => {
  stored["blobs/b"] = "another model";
  const lingering = new BlobReads(store, 60_000);
  const look = async (hash: string) => {
    const blob = (await lingering.open(hash))!;
    blob[Symbol.dispose]();
    return reads;
  };
  expect([await look("a"), await look("a"), await look("b"), await look("b"), await look("a")]).toEqual([
    1, 1, 2, 2, 3,
  ]);
});
