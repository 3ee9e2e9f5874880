import { createHash, type Hash } from "node:crypto";
import { basename, join } from "node:path";
import type { FileSystem, OpenFile } from "../store/file-system.ts";
import { storageError } from "../store/file-system.ts";
import { type Pace, steadyBody } from "./body.ts";

/** An update that is being sent. */
export interface Upload {
  /** ROUND/CLIENT/VISIT */
  readonly order: string;
  /** SHA-256 of all bytes, hexadecimal. */
  readonly hash: string;
  /** Bytes of the whole. */
  readonly total: number;
}

/** A part of it. */
export interface UploadPart extends Upload {
  /** Where the body belongs. */
  readonly offset: number;
  readonly body: ReadableStream<Uint8Array> | null;
  readonly pace: Pace;
}

/** What is known of an upload that is not complete. */
interface Partial {
  readonly path: string;
  /** Of the first `offset` bytes; undefined where the file has to be read for it. */
  hash: Hash | undefined;
  offset: number;
  /** The request that fills it. */
  active: { readonly abort: AbortController; readonly done: Promise<unknown> } | undefined;
}

const extension = ".part";
const blockBytes = 1 << 20;

/**
 * Updates on their way to the run's blobs. What has arrived lies in `uploads/ORDER-HASH.part` and outlives connections and
 * processes; the whole is made durable, and moved to `blobs/HASH`. Of one order there is one partial file at most.
 */
export class Uploads {
  readonly #folder: string;
  readonly #blobs: string;
  readonly #files: FileSystem;
  readonly #partials = new Map<string, Partial>();
  /** Names of uploads that this process has completed. */
  readonly #complete = new Set<string>();

  private constructor(folder: string, files: FileSystem) {
    this.#folder = join(folder, "uploads");
    this.#blobs = join(folder, "blobs");
    this.#files = files;
  }

  /**
   * @param folder of the run
   * @throws `store/disk-full`, `store/not-writable`, `store/link`, `store/not-a-file`
   */
  static async open(folder: string, files: FileSystem): Promise<Uploads> {
    const uploads = new Uploads(folder, files);
    try {
      await files.makeFolder(uploads.#folder);
      await files.makeFolder(uploads.#blobs);
      await files.syncFolder(folder);
    } catch (error) {
      throw storageError(error, { what: "the folder of uploads", path: uploads.#folder });
    }
    return uploads;
  }

  /** Where an upload continues. Only the order that has sent a blob is told that it is complete. */
  async offsetOf(upload: Upload): Promise<number> {
    if (this.#complete.has(nameOf(upload))) return upload.total;
    return (await this.#partialOf(upload)).offset;
  }

  /**
   * Takes a part of an upload, and returns how many bytes are there now: `total` once the blob is durable. A part that
   * belongs elsewhere is not read. A later request for the same upload ends an earlier one, which may hang.
   *
   * @returns also "other-bytes": the whole has another hash, and nothing of it is kept
   * @throws HttpError 408, 413; `store/disk-full`: what has arrived is kept
   */
  async receive(part: UploadPart): Promise<number | "other-bytes"> {
    for (;;) {
      if (this.#complete.has(nameOf(part))) return part.total;
      const partial = await this.#partialOf(part);
      if (partial.active === undefined) return await this.#begin(partial, part);
      partial.active.abort.abort();
      await partial.active.done;
    }
  }

  #begin(partial: Partial, part: UploadPart): Promise<number | "other-bytes"> {
    const abort = new AbortController();
    const work = this.#fill(partial, part, abort.signal);
    const ended = () => {
      partial.active = undefined;
    };
    partial.active = { abort, done: work.then(ended, ended) };
    return work;
  }

  /** Removes partial files that nobody continues. */
  async sweep(isOpen: (order: string, hash: string) => Promise<boolean>): Promise<void> {
    for (const name of await this.#files.list(this.#folder)) {
      const upload = uploadOf(name);
      if (name.endsWith("/") || (upload !== undefined && (await isOpen(upload.order, upload.hash)))) continue;
      if (this.#partials.get(name)?.active !== undefined) continue;
      this.#partials.delete(name);
      await this.#files.remove(join(this.#folder, name));
    }
    for (const name of this.#complete) {
      const upload = uploadOf(name);
      if (upload === undefined || !(await isOpen(upload.order, upload.hash))) this.#complete.delete(name);
    }
  }

  /** Removes all updates and broadcasts of a run that has ended: they are the clients' own, and take room. */
  async clear(): Promise<void> {
    for (const folder of [this.#folder, this.#blobs]) {
      for (const name of await this.#files.list(folder)) {
        if (!name.endsWith("/")) await this.#files.remove(join(folder, name));
      }
    }
  }

  async #partialOf(upload: Upload): Promise<Partial> {
    const name = nameOf(upload);
    const known = this.#partials.get(name);
    if (known !== undefined) return known;
    await this.#forgetOthers(name);
    const path = join(this.#folder, name);
    const file = await this.#files.open(path);
    const offset = file === undefined ? 0 : await closing(file, async () => (await file.stat()).size);
    const partial: Partial = { path, hash: undefined, offset, active: undefined };
    // another request may have been quicker
    const settled = this.#partials.get(name) ?? partial;
    this.#partials.set(name, settled);
    return settled;
  }

  /** Removes what the same order had begun to send with other bytes. */
  async #forgetOthers(name: string): Promise<void> {
    const own = `${name.slice(0, name.indexOf("-"))}-`;
    for (const other of await this.#files.list(this.#folder)) {
      if (!other.startsWith(own) || other === name) continue;
      this.#partials.get(other)?.active?.abort.abort();
      this.#partials.delete(other);
      await this.#files.remove(join(this.#folder, other));
    }
  }

  async #fill(partial: Partial, part: UploadPart, signal: AbortSignal): Promise<number | "other-bytes"> {
    const { hash, total, offset } = part;
    const { path } = partial;
    try {
      if (partial.offset > total) await this.#discard(partial);
      if (offset !== partial.offset) return partial.offset;
      const file = await this.#files.append(path);
      const digest = await closing(file, () => takeBody(file, partial, part, signal));
      if (digest === undefined) return partial.offset;
      if (digest !== hash) {
        await this.#discard(partial);
        return "other-bytes";
      }
      await this.#files.rename(path, join(this.#blobs, hash));
      await this.#files.syncFolder(this.#blobs);
    } catch (error) {
      throw storageError(error, { what: "an update", path, bytes: total });
    }
    this.#partials.delete(basename(path));
    this.#complete.add(basename(path));
    return total;
  }

  async #discard(partial: Partial): Promise<void> {
    partial.offset = 0;
    partial.hash = undefined;
    await this.#files.remove(partial.path);
  }
}

/** Adds a part's body to its file. Returns the hash of the whole once all is there, durably. */
async function takeBody(
  file: OpenFile,
  partial: Partial,
  { offset, total, body, pace }: UploadPart,
  signal: AbortSignal,
): Promise<string | undefined> {
  // a failed write may have left bytes that were not counted
  const { size } = await file.stat();
  if (size > offset) await file.truncate(offset);
  if (size < offset) {
    Object.assign(partial, { offset: size, hash: undefined });
    return undefined;
  }
  partial.hash ??= await hashOf(file, offset);
  for await (const bytes of steadyBody(body, total - offset, pace, signal)) await append(file, partial, bytes);
  if (partial.offset < total) return undefined;
  await file.datasync();
  return partial.hash.copy().digest("hex");
}

/** Adds bytes; after a failure the file has what was counted before, and no more. */
async function append(file: OpenFile, partial: Partial, bytes: Uint8Array): Promise<void> {
  try {
    await file.appendFile(bytes);
  } catch (error) {
    await file.truncate(partial.offset).catch(() => undefined);
    throw error;
  }
  partial.hash?.update(bytes);
  partial.offset += bytes.length;
}

async function hashOf(file: OpenFile, bytes: number): Promise<Hash> {
  const hash = createHash("sha256");
  const block = Buffer.alloc(Math.min(blockBytes, bytes));
  for (let position = 0; position < bytes; ) {
    const { bytesRead } = await file.read(block, 0, Math.min(block.length, bytes - position), position);
    if (bytesRead === 0) break;
    hash.update(block.subarray(0, bytesRead));
    position += bytesRead;
  }
  return hash;
}

async function closing<T>(file: OpenFile, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } finally {
    await file.close();
  }
}

function nameOf({ order, hash }: Upload): string {
  return `${order.replaceAll("/", ".")}-${hash}${extension}`;
}

function uploadOf(name: string): Pick<Upload, "order" | "hash"> | undefined {
  const [, round, client, visit, hash] = /^(\d+)\.(\d+)\.(\d+)-([0-9a-f]{64})\.part$/.exec(name) ?? [];
  return hash === undefined ? undefined : { order: `${round}/${client}/${visit}`, hash };
}
