import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { AnabranchError } from "@anabranch/engine";
import { storageError } from "../store/file-system.ts";

/** One file to fetch. */
export interface DownloadFile {
  readonly url: string;
  /** SHA-256 as 64 hex digits. */
  readonly sha256: string;
  /** What it is the hash of: the file (default), or what a gzip file unpacks to. */
  readonly hashOf?: "file" | "contents";
}

export interface DownloadOptions {
  /** Called as bytes arrive; `total` is unknown where the server does not tell. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  readonly signal?: AbortSignal;
  /** The download fails when no byte arrives for this long; default 30,000. */
  readonly idleTimeoutMs?: number;
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
 * @throws `data/download`, `data/checksum`, `store/disk-full`, `store/not-writable`
 */
export async function downloadFile(file: DownloadFile, path: string, options: DownloadOptions = {}): Promise<boolean> {
  if (await isWhole(path, file)) return false;
  const temporary = `${path}.${randomBytes(6).toString("hex")}.part`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await fetchTo(temporary, file.url, options);
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

async function fetchTo(path: string, url: string, options: DownloadOptions): Promise<void> {
  const { onProgress, signal, idleTimeoutMs = 30_000 } = options;
  const idle = new AbortController();
  let timer = setTimeout(() => idle.abort(), idleTimeoutMs);
  const target = await open(path, "wx");
  try {
    const response = await ask(url, AbortSignal.any([idle.signal, ...(signal ? [signal] : [])]), idle.signal);
    const totalBytes = Number(response.headers.get("content-length")) || undefined;
    let receivedBytes = 0;
    for await (const chunk of bodyOf(response, url, idle.signal)) {
      clearTimeout(timer);
      timer = setTimeout(() => idle.abort(), idleTimeoutMs);
      await target.appendFile(chunk);
      receivedBytes += chunk.length;
      onProgress?.({ url, receivedBytes, totalBytes });
    }
    await target.sync();
  } finally {
    clearTimeout(timer);
    await target.close();
  }
}

async function ask(url: string, signal: AbortSignal, idle: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { signal });
  } catch (cause) {
    throw failed(url, reasonOf(cause, idle), cause);
  }
  if (response.ok) return response;
  await response.body?.cancel();
  throw failed(url, `status ${response.status} ${response.statusText}`.trim());
}

/** The chunks of a response; a connection that breaks off is an error of the download, not of whoever reads it. */
async function* bodyOf(response: Response, url: string, idle: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  for (;;) {
    let part: ReadableStreamReadResult<Uint8Array> | undefined;
    try {
      part = await reader?.read();
    } catch (cause) {
      throw failed(url, reasonOf(cause, idle), cause);
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
    await pipeline(createReadStream(path), createGunzip(), hash);
    return hash.digest("hex");
  } catch (error) {
    if (error instanceof Error && "code" in error && String(error.code).startsWith("Z_")) return "no whole gzip file";
    throw error;
  }
}

function reasonOf(cause: unknown, idle: AbortSignal): string {
  if (idle.aborted) return "no answer for too long";
  if (!(cause instanceof Error)) return String(cause);
  // fetch hides the reason ("fetch failed") in the cause.
  return cause.cause instanceof Error ? cause.cause.message || cause.message : cause.message;
}

function failed(url: string, received: string, cause?: unknown): AnabranchError {
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
