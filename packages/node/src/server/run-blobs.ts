import { join } from "node:path";
import { type BlobStore, requireBlobName } from "@anabranch/core";
import { blobName, contentHashOf, type Ledger } from "@anabranch/core/live";
import { AnabranchError } from "@anabranch/engine";
import { openDiskBlobStore } from "../store/disk-blob-store.ts";
import { type FileSystem, storageError } from "../store/file-system.ts";

/** Models, updates and messages of a live run, each under the hash of its bytes. What is read has that hash. */
export interface RunBlobs extends BlobStore {
  /** Takes over a file of the run's folder as a blob, durably. The file may be left; nobody needs it any more. */
  adopt(hash: string, path: string, bytes: number): Promise<void>;
  /** Whether they lie on another machine, so that reading them again costs more than keeping them. */
  readonly areRemote: boolean;
}

/** Blobs in the run's folder. @throws `store/...` as `openDiskBlobStore` */
export async function folderBlobs(folder: string, files: FileSystem): Promise<RunBlobs> {
  const store = await openDiskBlobStore(folder, files);
  const blobs = join(folder, "blobs");
  try {
    await files.makeFolder(blobs);
    await files.syncFolder(folder);
  } catch (error) {
    throw storageError(error, { what: "the folder of blobs", path: blobs });
  }
  return {
    ...withHashes(store),
    areRemote: false,
    async adopt(hash, path, bytes) {
      try {
        await files.rename(path, join(folder, blobName(hash)));
        await files.syncFolder(blobs);
      } catch (error) {
        throw storageError(error, { what: "an update", path, bytes });
      }
    },
  };
}

/**
 * A store whose blobs are checked as they are read, and read once more where they are not what was stored: they may have
 * been damaged on the way.
 *
 * @throws from `get` `blob/damaged`
 */
export function withHashes(store: BlobStore): BlobStore {
  return {
    put: (name, bytes) => store.put(name, bytes),
    list: (prefix) => store.list(prefix),
    delete: (name) => store.delete(name),
    async get(name) {
      requireBlobName(name);
      for (let attempt = 0; attempt < 2; attempt++) {
        const bytes = await store.get(name);
        if (bytes === undefined || blobName(await contentHashOf(bytes)) === name) return bytes;
      }
      throw damaged(name);
    },
  };
}

/** Removes the blobs of a run that its ledger does not name: what a crash, or a deletion that failed, has left behind. */
export async function removeUnnamed(blobs: BlobStore, ledger: Pick<Ledger, "updates">): Promise<void> {
  const named = new Set((await ledger.updates()).map(blobName));
  await removeBlobs(blobs, (name) => !named.has(name));
}

/** Removes all blobs of a run, or those of which `unwanted` says so. */
export async function removeBlobs(blobs: BlobStore, unwanted: (name: string) => boolean = () => true): Promise<void> {
  const names = await blobs.list(blobName(""));
  await Promise.all(names.filter(unwanted).map((name) => blobs.delete(name)));
}

function damaged(where: string): AnabranchError {
  return new AnabranchError({
    code: "blob/damaged",
    message: "a blob of the run is not what was stored",
    where,
    expected: "bytes with the SHA-256 that is their name",
    advice: "Restore it from a backup, then continue the run with: anabranch serve --resume RUN",
  });
}
