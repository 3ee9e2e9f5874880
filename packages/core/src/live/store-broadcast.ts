import { type Broadcast, encodeBroadcast } from "../protocol/index.ts";
import type { BlobStore } from "../round/blob-store.ts";
import { blobName, contentHashOf } from "./content-hash.ts";

/** An encoded broadcast in the store, under its hash. */
export interface StoredBroadcast {
  readonly hash: string;
  readonly bytes: number;
}

/** Puts a broadcast where clients can fetch it. */
export async function storeBroadcast(blobs: BlobStore, broadcast: Broadcast): Promise<StoredBroadcast> {
  const bytes = encodeBroadcast(broadcast);
  const hash = await contentHashOf(bytes);
  await blobs.put(blobName(hash), bytes);
  return { hash, bytes: bytes.byteLength };
}
