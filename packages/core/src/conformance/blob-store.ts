import type { BlobStore } from "../round/blob-store.ts";
import { type Case, check, checkSame, rejection } from "./case.ts";

const BAD_NAMES = ["", "/a", "a/", "../a", "a/../b", "a//b", ".hidden", "a b", "a\\b", "/etc/passwd"];

/**
 * The battery of every blob store. `create` makes an empty one.
 *
 * @example
 * ```ts
 * import { memoryBlobStore } from "@anabranch/core";
 * import { blobStoreCases } from "@anabranch/core/conformance";
 * const cases = blobStoreCases(async () => memoryBlobStore());
 * for (const { run } of cases) await run(); // rejects where the store fails
 * cases.length; // => 5
 * ```
 */
export function blobStoreCases(create: () => Promise<BlobStore>): Case[] {
  const on = (name: string, run: (blobs: BlobStore) => Promise<void>): Case => ({
    name,
    run: async () => run(await create()),
  });
  return [
    on("gives back what was put last, and nothing of what is absent", replaces),
    on("keeps its own copy of the bytes", copies),
    on("lists by prefix, in order of code units", lists),
    on("forgets what is deleted, also what was never there", forgets),
    on("refuses names that could leave its folder", refuses),
  ];
}

async function replaces(blobs: BlobStore): Promise<void> {
  checkSame(await blobs.get("a/b.bin"), undefined);
  await blobs.put("a/b.bin", Uint8Array.of(1, 2, 3));
  await blobs.put("empty", new Uint8Array(0));
  checkSame(bytesOf(await blobs.get("a/b.bin")), [1, 2, 3]);
  checkSame(bytesOf(await blobs.get("empty")), []);
  await blobs.put("a/b.bin", Uint8Array.of(4));
  checkSame(bytesOf(await blobs.get("a/b.bin")), [4]);
}

async function copies(blobs: BlobStore): Promise<void> {
  const given = Uint8Array.of(1);
  await blobs.put("a", given);
  given[0] = 9;
  const got = (await blobs.get("a"))!;
  got[0] = 8;
  checkSame(bytesOf(await blobs.get("a")), [1]);
}

async function lists(blobs: BlobStore): Promise<void> {
  checkSame(await blobs.list(""), []);
  for (const name of ["round-2", "round-10", "deep/er/blob.bin", "deep/a", "Round"]) {
    await blobs.put(name, Uint8Array.of(1));
  }
  checkSame(await blobs.list(""), ["Round", "deep/a", "deep/er/blob.bin", "round-10", "round-2"]);
  checkSame(await blobs.list("round-1"), ["round-10"]);
  checkSame(await blobs.list("deep/"), ["deep/a", "deep/er/blob.bin"]);
  checkSame(await blobs.list("deep/e"), ["deep/er/blob.bin"]);
  checkSame(await blobs.list("nothing/"), []);
}

async function forgets(blobs: BlobStore): Promise<void> {
  await blobs.put("a", Uint8Array.of(1));
  for (const name of ["a", "a", "never/there"]) await blobs.delete(name);
  checkSame(await blobs.get("a"), undefined);
  checkSame(await blobs.list(""), []);
}

async function refuses(blobs: BlobStore): Promise<void> {
  for (const name of BAD_NAMES) {
    for (const action of [blobs.put(name, Uint8Array.of(1)), blobs.get(name), blobs.delete(name)]) {
      const code = await rejection(action);
      check(code === "blob/name", `${JSON.stringify(name)}: ${code}`);
    }
  }
  checkSame(await rejection(blobs.list("../")), "blob/name");
}

function bytesOf(bytes: Uint8Array | undefined): number[] | undefined {
  return bytes === undefined ? undefined : [...bytes];
}
