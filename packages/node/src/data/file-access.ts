import { createHash } from "node:crypto";
import { basename } from "node:path";
import { gunzip, readerLimits } from "@anabranch/core/readers";
import { AnabranchError } from "@anabranch/engine";
import type { DownloadFile } from "./download.ts";
import { readRegularFile } from "./regular-file.ts";

/** How readers get at files. */
export interface FileAccess {
  /** The bytes of a file; unpacked already where they were checked against a hash of the contents. */
  read(path: string): Promise<Uint8Array>;
  /** Told of each entry found in a folder. */
  listed(): void;
}

/** The checksums of a published data set, by file name. */
export type Checksums = Readonly<Record<string, Pick<DownloadFile, "sha256" | "hashOf">>>;

/** Time that reading and decoding may take, in milliseconds, beyond `LOADING_MS` of loading as a whole. */
const MS_PER_FILE = 20;
const MS_PER_MIB = 2_000;
const MS_PER_ENTRY = 1;

/**
 * Access to files that tells how long the work on them may take, and checks those of known content.
 *
 * @param allow called with further milliseconds
 * @param checksums of the files that must be the published ones; others are taken as they are
 */
export function fileAccess(allow: (milliseconds: number) => void, checksums: Checksums = {}): FileAccess {
  return {
    async read(path) {
      const bytes = await readRegularFile(path, readerLimits.fileBytes);
      allow(MS_PER_FILE + (MS_PER_MIB * bytes.length) / 2 ** 20);
      return checked(bytes, path, checksums);
    },
    listed: () => allow(MS_PER_ENTRY),
  };
}

/** @throws `data/checksum` */
function checked(bytes: Uint8Array, path: string, checksums: Checksums): Uint8Array {
  const name = basename(path);
  const known = checksums[name] ?? checksums[`${name}.gz`];
  if (known === undefined) return bytes;
  const content = known.hashOf === "contents" ? gunzip(bytes, path) : bytes;
  const received = createHash("sha256").update(content).digest("hex");
  if (received === known.sha256) return content;
  throw new AnabranchError({
    code: "data/checksum",
    message: "a file in the cache is not the one that was published",
    where: path,
    received: `SHA-256 ${received}`,
    expected: known.sha256,
    advice: "It is damaged or was changed. Delete it and download the data set again.",
  });
}
