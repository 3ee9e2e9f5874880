import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { BlobStore, RunPlan } from "@anabranch/core";
import { AnabranchError } from "@anabranch/engine";
import * as z from "zod";
import { writeAtomically } from "../store/file-system.ts";
import type { RunFolder } from "../store/run-folder.ts";
import { addressText, parseS3Address, placeOf, type S3Address } from "../store/s3/s3-address.ts";
import { S3BlobStore } from "../store/s3/s3-blob-store.ts";
import { s3Credentials } from "../store/s3/s3-credentials.ts";
import { usualPatience } from "../store/s3/s3-patience.ts";
import { isLoopback } from "./peer.ts";
import { folderBlobs, type RunBlobs } from "./run-blobs.ts";
import { remoteBlobs } from "./s3-run-blobs.ts";

/** Where an operator keeps the blobs of live runs. */
export interface BlobPlace {
  /** What an operator should know of it. */
  readonly warnings: NonNullable<RunPlan["warnings"]>;
  /** The blobs of one run. @throws `blob/other-place` where the run has kept them elsewhere so far */
  open(run: RunFolder): Promise<RunBlobs>;
}

/** At the start nobody waits for long. */
const startPatience = { ...usualPatience, silentMs: 10_000, totalMs: 20_000 };

/**
 * Opens the place that an address names, and tries it, so that a run does not begin with one that cannot be used.
 *
 * @param address `s3://...` as `parseS3Address` reads it; undefined: the folder of each run
 * @param left is told of blobs that could not be removed: they only take room
 * @throws `blob/address`, `blob/credentials`, and what the storage answers, see s3-errors.ts
 */
export async function openBlobPlace(address: string | undefined, left: (error: unknown) => void): Promise<BlobPlace> {
  if (address === undefined) {
    return {
      warnings: [],
      async open(run) {
        const noted = await notedPlace(run);
        if (noted !== undefined) throw otherPlace(run, "nothing", noted);
        return folderBlobs(run.folder, run.files);
      },
    };
  }
  const place = parseS3Address(address);
  const credentials = s3Credentials(process.env);
  await tryOut(await S3BlobStore.open(place, credentials, startPatience));
  return {
    warnings: warningsOf(place),
    async open(run) {
      await note(run, place);
      const own = { ...place, prefix: `${place.prefix}${run.id}/` };
      return remoteBlobs(await S3BlobStore.open(own, credentials), run.files, left);
    },
  };
}

/** Stores, reads, lists and removes a small object. */
async function tryOut(store: BlobStore): Promise<void> {
  const name = `anabranch-trial-${randomBytes(8).toString("hex")}`;
  const bytes = randomBytes(64);
  await store.put(name, bytes);
  const found = await store.get(name);
  await store.list(name);
  await store.delete(name);
  if (found !== undefined && bytes.equals(found)) return;
  throw new AnabranchError({
    code: "blob/refused",
    message: "the storage does not return what was stored a moment ago",
    advice: "A run needs storage that is consistent: what is read has to be what was written last.",
  });
}

function warningsOf({ endpoint }: S3Address): BlobPlace["warnings"] {
  const { protocol, hostname } = new URL(endpoint);
  if (protocol === "https:" || isLoopback(hostname)) return [];
  const message = `models and updates travel to the storage at ${hostname} without TLS: everybody on the way can read them`;
  return [{ code: "blob/no-tls", message }];
}

const noteSchema = z.strictObject({ blobs: z.string().max(2000) });

const noteOf = (run: RunFolder) => join(run.folder, "blobs.json");

/** The address that a run has kept its blobs at so far; undefined: its folder, or nowhere yet. */
export async function notedPlace(run: RunFolder): Promise<string | undefined> {
  const bytes = await run.files.read(noteOf(run), 4096);
  if (bytes === undefined) return undefined;
  try {
    return noteSchema.parse(JSON.parse(Buffer.from(bytes).toString("utf8"))).blobs;
  } catch (cause) {
    throw new AnabranchError({
      code: "blob/other-place",
      message: "the note of where the run keeps its blobs is damaged",
      where: noteOf(run),
      expected: '{"blobs": "s3://..."}',
      advice: "Correct it to the address of the storage.",
      cause,
    });
  }
}

/** Notes the place at the first start; afterwards it has to be the same. */
async function note(run: RunFolder, place: S3Address): Promise<void> {
  const noted = await notedPlace(run);
  const text = addressText(place);
  if (noted !== undefined) {
    if (placeOf(parseS3Address(noted)) !== placeOf(place)) throw otherPlace(run, text, noted);
    return;
  }
  if ((await run.files.list(run.folder)).includes("blobs/")) throw otherPlace(run, text, undefined);
  await writeAtomically(run.files, noteOf(run), Buffer.from(`${JSON.stringify({ blobs: text })}\n`));
}

function otherPlace({ id, folder }: RunFolder, received: string, noted: string | undefined): AnabranchError {
  return new AnabranchError({
    code: "blob/other-place",
    message: "this run has kept its blobs elsewhere so far",
    where: folder,
    received,
    expected: noted ?? "its own folder",
    advice: `Continue with: anabranch serve --resume ${id}${noted === undefined ? "" : ` --blobs "${noted}"`}`,
  });
}
