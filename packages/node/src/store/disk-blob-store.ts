import { dirname, join, resolve } from "node:path";
import { type BlobStore, requireBlobName, requirePrefix } from "@anabranch/core";
import { diskFileSystem } from "./disk-file-system.ts";
import { type FileSystem, isTemporaryName, storageError, writeAtomically } from "./file-system.ts";

/**
 * A blob store over a folder, one file a blob. A crash or a full disk leaves the old bytes of a blob or the new ones;
 * what a crash left half-written is removed on opening.
 *
 * @throws `store/disk-full`, `store/not-writable`, `store/link`, `store/not-a-file` (also from `put`)
 * @example
 * ```ts
 * import { join } from "node:path";
 * import { mkdtemp } from "node:fs/promises";
 * import { openDiskBlobStore } from "@anabranch/node";
 * import { tmpdir } from "node:os";
 * const blobs = await openDiskBlobStore(await mkdtemp(join(tmpdir(), "blobs-")));
 * await blobs.put("checkpoints/1", Uint8Array.of(1, 2));
 * await blobs.list(""); // => ["checkpoints/1"]
 * ```
 */
export async function openDiskBlobStore(folder: string, files: FileSystem = diskFileSystem): Promise<BlobStore> {
  const root = resolve(folder);
  try {
    await files.makeFolder(root);
    for await (const name of walk(files, root, "")) {
      if (isTemporaryName(lastPart(name))) await files.remove(join(root, name));
    }
  } catch (error) {
    throw storageError(error, { what: "the folder", path: root });
  }
  /** Folders whose own names are known to be on the disk. */
  const durable = new Set([root]);

  async function makeDurable(path: string): Promise<void> {
    if (durable.has(path)) return;
    const parent = dirname(path);
    await makeDurable(parent);
    await files.makeFolder(path);
    await files.syncFolder(parent);
    durable.add(path);
  }

  return {
    async put(name, bytes) {
      const path = pathOf(root, name);
      try {
        await makeDurable(dirname(path));
      } catch (error) {
        throw storageError(error, { what: name, path, bytes: bytes.length });
      }
      await writeAtomically(files, path, bytes, name);
    },
    ...readBlobs(root, files),
    async delete(name) {
      await files.remove(pathOf(root, name));
    },
  };
}

/** The blobs of a folder to look at: nothing in it is changed, so it may be another's, or being written. */
export function readBlobs(folder: string, files: FileSystem = diskFileSystem): Pick<BlobStore, "get" | "list"> {
  const root = resolve(folder);
  return {
    async get(name) {
      return files.read(pathOf(root, name));
    },
    async list(prefix) {
      requirePrefix(prefix);
      const names: string[] = [];
      // Only the folder that the prefix names needs a look, not the whole store.
      const start = prefix.slice(0, prefix.lastIndexOf("/") + 1);
      for await (const name of walk(files, root, start)) {
        if (name.startsWith(prefix) && !isTemporaryName(lastPart(name))) names.push(name);
      }
      return names.sort();
    },
  };
}

function pathOf(root: string, name: string): string {
  requireBlobName(name);
  return join(root, name);
}

/** Names of all files below `start` (empty, or a folder with a trailing slash), relative to the root. */
async function* walk(files: FileSystem, root: string, start: string): AsyncGenerator<string> {
  for (const entry of await files.list(join(root, start))) {
    if (entry.endsWith("/")) yield* walk(files, root, start + entry);
    else yield start + entry;
  }
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
