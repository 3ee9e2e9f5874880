import { blobName } from "@anabranch/core/live";
import { openRunFolder } from "../store/run-folder.ts";
import { parseS3Address, type S3Address } from "../store/s3/s3-address.ts";
import { S3BlobStore } from "../store/s3/s3-blob-store.ts";
import { s3Credentials } from "../store/s3/s3-credentials.ts";
import { usualPatience } from "../store/s3/s3-patience.ts";
import { notedPlace } from "./blob-place.ts";

/** Objects of a run in S3-compatible storage. */
export interface RemainingBlobs {
  /** `s3://BUCKET/PREFIX`, and the service. */
  readonly address: string;
  readonly endpoint: string;
  /** Undefined where the storage was not reached, or no credentials are set. */
  readonly objects: number | undefined;
}

/** A look at the storage does not take long. */
const patience = { ...usualPatience, silentMs: 5_000, totalMs: 10_000 };

/**
 * What of a run lies in S3-compatible storage, outside its folder; undefined: nothing. A copy of the folder names the same
 * objects, so whoever deletes one folder must not delete them unasked.
 */
export async function remainingBlobs(folder: string): Promise<RemainingBlobs | undefined> {
  const run = await openRunFolder(folder);
  const noted = await notedPlace(run).catch(() => undefined);
  if (noted === undefined) return undefined;
  const place = parseS3Address(noted);
  const own = { ...place, prefix: `${place.prefix}${run.id}/` };
  const objects = await countObjects(own).catch(() => undefined);
  return objects === 0 ? undefined : { address: `s3://${own.bucket}/${own.prefix}`, endpoint: own.endpoint, objects };
}

async function countObjects(place: S3Address): Promise<number> {
  const store = await S3BlobStore.open(place, s3Credentials(process.env), patience);
  return (await store.list(blobName(""))).length;
}
