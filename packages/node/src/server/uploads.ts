import { createHash, type Hash } from "node:crypto";
import { join } from "node:path";
import type { ArrivedUpdate, UploadAnswer, UploadProgress } from "@anabranch/core/live";
import type { FileSystem, OpenFile } from "../store/file-system.ts";
import { storageError } from "../store/file-system.ts";
import { type Pace, steadyBody } from "./body.ts";
import type { RunBlobs } from "./run-blobs.ts";

/** An update that is being sent, or an answer of secure aggregation. */
export interface Upload {
  /** ROUND/CLIENT/VISIT, or ROUND/CLIENT/HASH of what is answered. */
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

/** What the run says to an upload. */
export interface UploadJudge {
  /** Before its first byte; undefined: it may come. */
  mayCome(): Promise<UploadAnswer | undefined>;
  arrived(update: ArrivedUpdate): Promise<UploadAnswer>;
}

/** What is known of an upload that is not complete. */
interface Partial {
  readonly name: string;
  readonly path: string;
  /** Of the first `offset` bytes; undefined where the file has to be read for it. */
  hash: Hash | undefined;
  offset: number;
}

/** What is being sent for one order. */
interface Slot {
  partial: Partial | undefined;
  /** The request that has its turn. */
  active: { readonly abort: AbortController; readonly done: Promise<unknown> } | undefined;
  /** Number of the newest request. */
  newest: number;
}

const extension = ".part";
const blockBytes = 1 << 20;

/**
 * Updates on their way to the run's blobs. What has arrived lies in `uploads/ORDER-HASH.part` and outlives connections and
 * processes. Only an update that the run accepts becomes a blob; a refused one is removed. One request at a time
 * has the turn of an order: a newer one ends it, since the older may hang.
 */
export class Uploads {
  readonly #folder: string;
  readonly #blobs: RunBlobs;
  readonly #files: FileSystem;
  readonly #slots = new Map<string, Slot>();

  private constructor(folder: string, files: FileSystem, blobs: RunBlobs) {
    this.#folder = join(folder, "uploads");
    this.#blobs = blobs;
    this.#files = files;
  }

  /**
   * @param folder of the run
   * @throws `store/disk-full`, `store/not-writable`, `store/link`, `store/not-a-file`
   */
  static async open(folder: string, files: FileSystem, blobs: RunBlobs): Promise<Uploads> {
    const uploads = new Uploads(folder, files, blobs);
    try {
      await files.makeFolder(uploads.#folder);
      await files.syncFolder(folder);
    } catch (error) {
      throw storageError(error, { what: "the folder of uploads", path: uploads.#folder });
    }
    return uploads;
  }

  /** Where an upload continues. Changes nothing: another upload of the order may be under way. */
  async offsetOf(upload: Upload): Promise<number> {
    const name = nameOf(upload);
    const known = this.#slots.get(upload.order)?.partial;
    if (known !== undefined) return known.name === name ? known.offset : 0;
    return this.#sizeOf(join(this.#folder, name));
  }

  /**
   * Takes a part of an upload. A part that belongs elsewhere is not read, and told where it continues; a request that a
   * newer one has overtaken is told the same. Once all is there, durably, the run judges it.
   *
   * @returns also "other-bytes": the whole has another hash, and nothing of it is kept
   * @throws HttpError 408, 413; `store/disk-full`: what has arrived is kept
   */
  async receive(part: UploadPart, judge: UploadJudge): Promise<UploadProgress | "other-bytes"> {
    const slot = this.#slotOf(part.order);
    const turn = ++slot.newest;
    while (slot.active !== undefined) {
      slot.active.abort.abort();
      await slot.active.done;
      if (slot.newest !== turn) return { offset: await this.offsetOf(part) };
    }
    const abort = new AbortController();
    const work = this.#take(slot, part, judge, abort.signal);
    const ended = () => {
      slot.active = undefined;
      if (slot.partial === undefined && slot.newest === turn) this.#slots.delete(part.order);
    };
    slot.active = { abort, done: work.then(ended, ended) };
    return work;
  }

  /** Removes partial files that nobody continues. */
  async sweep(isOpen: (order: string) => boolean): Promise<void> {
    for (const name of await this.#files.list(this.#folder)) {
      const order = orderOf(name);
      if (name.endsWith("/") || (order !== undefined && isOpen(order))) continue;
      const slot = order === undefined ? undefined : this.#slots.get(order);
      if (slot?.active !== undefined) continue;
      if (order !== undefined) this.#slots.delete(order);
      await this.#files.remove(join(this.#folder, name));
    }
  }

  /** Removes all that has arrived, of a run that has ended. */
  async clear(): Promise<void> {
    for (const name of await this.#files.list(this.#folder)) {
      if (!name.endsWith("/")) await this.#files.remove(join(this.#folder, name));
    }
  }

  #slotOf(order: string): Slot {
    const slot = this.#slots.get(order) ?? { partial: undefined, active: undefined, newest: 0 };
    this.#slots.set(order, slot);
    return slot;
  }

  async #sizeOf(path: string): Promise<number> {
    const file = await this.#files.open(path);
    return file === undefined ? 0 : closing(file, async () => (await file.stat()).size);
  }

  /** What one request does while it has the turn of its order. */
  async #take(slot: Slot, part: UploadPart, judge: UploadJudge, signal: AbortSignal) {
    // the request before it may have ended the order
    const known = await judge.mayCome();
    if (known !== undefined) return known;
    const partial = await this.#partialOf(slot, part);
    const reached = await this.#fill(partial, part, signal);
    if (reached === "other-bytes") {
      slot.partial = undefined;
      return reached;
    }
    if (reached < part.total) return { offset: reached };
    const answer = await judge.arrived(this.#arrived(slot, partial, part));
    await this.#files.remove(partial.path);
    slot.partial = undefined;
    return answer;
  }

  /** What there is of an upload; what the same order had begun to send with other bytes is removed. */
  async #partialOf(slot: Slot, upload: Upload): Promise<Partial> {
    const name = nameOf(upload);
    if (slot.partial?.name === name) return slot.partial;
    slot.partial = undefined;
    const own = name.slice(0, name.indexOf("-") + 1);
    for (const other of await this.#files.list(this.#folder)) {
      if (other.startsWith(own) && other !== name) await this.#files.remove(join(this.#folder, other));
    }
    const path = join(this.#folder, name);
    slot.partial = { name, path, hash: undefined, offset: await this.#sizeOf(path) };
    return slot.partial;
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
      if (digest === hash) return total;
      await this.#discard(partial);
      return "other-bytes";
    } catch (error) {
      throw storageError(error, { what: "an update", path, bytes: total });
    }
  }

  #arrived(slot: Slot, { path }: Partial, { hash, total }: Upload): ArrivedUpdate {
    return {
      hash,
      bytes: total,
      read: () => this.#files.read(path, total),
      keep: async () => {
        await this.#blobs.adopt(hash, path, total);
        slot.partial = undefined;
      },
    };
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

function orderOf(name: string): string | undefined {
  const [, round, client, visit] = /^(\d+)\.(\d+)\.([0-9a-f]+)-[0-9a-f]{64}\.part$/.exec(name) ?? [];
  return visit === undefined ? undefined : `${round}/${client}/${visit}`;
}
