import { blobName } from "@anabranch/core/live";
import type { FileSystem, OpenFile } from "../store/file-system.ts";
import type { S3BlobStore } from "../store/s3/s3-blob-store.ts";
import { type RunBlobs, withHashes } from "./run-blobs.ts";

const pieceBytes = 256 * 1024;

/** Updates that are sent to the storage at a time, so that many clients do not take all sockets and files. */
const atATime = 16;

/**
 * The blobs of a run in S3-compatible storage.
 *
 * @param files of the run's folder
 * @param left is told of blobs that could not be removed
 */
export function remoteBlobs(store: S3BlobStore, files: FileSystem, left: (error: unknown) => void): RunBlobs {
  const inTurn = turns(atATime);
  return {
    ...withHashes(store),
    areRemote: true,
    adopt: (hash, path, bytes) =>
      inTurn(() => store.putSource(blobName(hash), { bytes, hash, pieces: () => piecesOf(files, path, bytes) })),
    delete: (name) => store.delete(name).catch(left),
  };
}

async function* piecesOf(files: FileSystem, path: string, bytes: number): AsyncGenerator<Uint8Array> {
  const file = await files.open(path);
  if (file === undefined) throw new Error(`${path} is gone`);
  try {
    for (let at = 0; at < bytes; ) {
      const piece = await readAt(file, at, Math.min(pieceBytes, bytes - at));
      if (piece.length === 0) throw new Error(`${path} has ${at} bytes instead of ${bytes}`);
      at += piece.length;
      yield piece;
    }
  } finally {
    await file.close();
  }
}

async function readAt(file: OpenFile, at: number, length: number): Promise<Uint8Array> {
  const piece = new Uint8Array(length);
  const { bytesRead } = await file.read(piece, 0, length, at);
  return piece.subarray(0, bytesRead);
}

/** Lets so many pieces of work run at a time; the others wait in their order. */
function turns(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running < most) running++;
    else await new Promise<void>((resolve) => void waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}
