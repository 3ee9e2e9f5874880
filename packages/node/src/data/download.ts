import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { readerLimits, requireAtMost } from "@anabranch/core";
import { AnabranchError } from "@anabranch/engine";
import { storageError } from "../store/file-system.ts";

const notPublished = "This is not the published file: try again, or fetch it by other means.";

/** One file to fetch. */
export interface DownloadFile {
  readonly url: string;
  /** SHA-256 as 64 hex digits. */
  readonly sha256: string;
  /** What it is the hash of: the file (default), or what a gzip file unpacks to. */
  readonly hashOf?: "file" | "contents";
  /** Largest file that is accepted. Default: 1 GiB, as much as is read. */
  readonly maxBytes?: number;
}

export interface DownloadOptions {
  /** Called as bytes arrive; `total` is unknown where the server does not tell. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  readonly signal?: AbortSignal;
  /** The download fails when no byte arrives for this long; default 30,000. */
  readonly idleTimeoutMs?: number;
  /** The download of one file fails after this long, however steadily bytes arrive; default 3,600,000, an hour. */
  readonly timeoutMs?: number;
}

export interface DownloadProgress {
  readonly url: string;
  readonly receivedBytes: number;
  readonly totalBytes: number | undefined;
}

/**
 * Fetches a file to `path` unless it is there already with the right hash. What arrives is checked before it gets its
 * name, so a file at `path` is always whole.
 *
 * @returns whether anything was fetched
 * @throws `data/download`, `data/checksum`, `data/too-large`, `store/disk-full`, `store/not-writable`
 */
export async function downloadFile(file: DownloadFile, path: string, options: DownloadOptions = {}): Promise<boolean> {
  if (await isWhole(path, file)) return false;
  const temporary = `${path}.${randomBytes(6).toString("hex")}.part`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await fetchTo(temporary, file, options);
    const received = await hashFile(temporary, file);
    if (received !== file.sha256) throw wrongHash(file, received);
    await rename(temporary, path);
    return true;
  } catch (error) {
    throw storageError(error, { what: "the download", path });
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

async function fetchTo(path: string, file: DownloadFile, options: DownloadOptions): Promise<void> {
  const { url, maxBytes = readerLimits.fileBytes } = file;
  const { onProgress, signal, idleTimeoutMs = 30_000, timeoutMs = 3_600_000 } = options;
  const late = new AbortController();
  const giveUp = (why: string) => () => late.abort(why);
  const whole = setTimeout(giveUp(`not done within ${timeoutMs / 1000} s`), timeoutMs);
  let idle = setTimeout(giveUp("no answer for too long"), idleTimeoutMs);
  const target = await open(path, "wx");
  try {
    const response = await ask(url, AbortSignal.any([late.signal, ...(signal ? [signal] : [])]), late.signal);
    const totalBytes = Number(response.headers.get("content-length")) || undefined;
    let receivedBytes = 0;
    // A server can announce one length and send another.
    requireAtMost(maxBytes, totalBytes ?? 0, "bytes announced", url, notPublished);
    for await (const chunk of bodyOf(response, url, late.signal)) {
      clearTimeout(idle);
      idle = setTimeout(giveUp("no answer for too long"), idleTimeoutMs);
      receivedBytes += chunk.length;
      requireAtMost(maxBytes, receivedBytes, "bytes so far", url, notPublished);
      await target.appendFile(chunk);
      onProgress?.({ url, receivedBytes, totalBytes });
    }
    await target.sync();
  } finally {
    clearTimeout(idle);
    clearTimeout(whole);
    late.abort("over"); // a body that was not read to its end would keep the connection
    await target.close();
  }
}

async function ask(url: string, signal: AbortSignal, late: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { signal });
  } catch (cause) {
    throw downloadError(url, reasonOf(cause, late), cause);
  }
  if (response.ok) return response;
  await response.body?.cancel();
  throw downloadError(url, `status ${response.status} ${response.statusText}`.trim());
}

/** The chunks of a response; a connection that breaks off is an error of the download, not of whoever reads it. */
async function* bodyOf(response: Response, url: string, late: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  for (;;) {
    let part: ReadableStreamReadResult<Uint8Array> | undefined;
    try {
      part = await reader?.read();
    } catch (cause) {
      throw downloadError(url, reasonOf(cause, late), cause);
    }
    if (part?.value === undefined) return;
    yield part.value;
  }
}

async function isWhole(path: string, file: DownloadFile): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true && (await hashFile(path, file)) === file.sha256;
}

/** The hash of a file, or a word for why it has none. */
async function hashFile(path: string, file: DownloadFile): Promise<string> {
  const hash = createHash("sha256");
  if (file.hashOf !== "contents") {
    await pipeline(createReadStream(path), hash);
    return hash.digest("hex");
  }
  try {
    await pipeline(createReadStream(path), createGunzip(), boundedBy(readerLimits.unpackedBytes), hash);
    return hash.digest("hex");
  } catch (error) {
    if (error instanceof TooLong) return "of more contents than are read";
    if (error instanceof Error && "code" in error && String(error.code).startsWith("Z_")) return "no whole gzip file";
    throw error;
  }
}

class TooLong extends Error {}

/** Passes bytes on up to a number of them, so that a file that unpacks without end is not unpacked without end. */
function boundedBy(most: number): Transform {
  let length = 0;
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      length += chunk.length;
      if (length > most) done(new TooLong());
      else done(null, chunk);
    },
  });
}

function reasonOf(cause: unknown, late: AbortSignal): string {
  if (late.aborted) return String(late.reason);
  if (!(cause instanceof Error)) return String(cause);
  // fetch hides the reason ("fetch failed") in the cause.
  return cause.cause instanceof Error ? cause.cause.message || cause.message : cause.message;
}

function downloadError(url: string, received: string, cause?: unknown): AnabranchError {
  return new AnabranchError({
    code: "data/download",
    message: "a file cannot be downloaded",
    where: url,
    received,
    expected: "the whole file",
    advice: "Check the network and try again, or fetch the file by other means and point --data-dir to its folder.",
    ...(cause !== undefined && { cause }),
  });
}

function wrongHash(file: DownloadFile, received: string): AnabranchError {
  return new AnabranchError({
    code: "data/checksum",
    message: "a downloaded file is not the one that was published; it was thrown away",
    where: file.url,
    received: `SHA-256 ${received}`,
    expected: file.sha256,
    advice: "Try again; if it stays so, the file or the way to it was changed.",
  });
}
