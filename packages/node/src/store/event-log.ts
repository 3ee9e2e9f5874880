import { type BlobStore, type RunEvent, renderEvent } from "@anabranch/core";
import { diskFileSystem } from "./disk-file-system.ts";
import { longestLine, readLines } from "./event-lines.ts";
import { type FileSystem, type OpenFile, storageError, writeAtomically } from "./file-system.ts";

/** Events wait in memory up to this many characters. */
const bufferLimit = 64 * 1024;

/** Events after which the file is brought up to date at once, so that others can follow the run. */
const announced = new Set<string>(["run.started", "round.finished", "run.stopped", "run.finished"]);

/**
 * Appends the events of a run to events.jsonl, one JSON object a line.
 *
 * @example
 * ```ts
 * import { EventLog } from "@anabranch/node";
 * import { join } from "node:path";
 * import { mkdtemp } from "node:fs/promises";
 * import { tmpdir } from "node:os";
 * const path = join(await mkdtemp(join(tmpdir(), "runs-")), "events.jsonl");
 * const log = await EventLog.open(path);
 * log.path === path; // => true
 * await log.close();
 * ```
 */
export class EventLog {
  readonly path: string;
  readonly #file: OpenFile;
  readonly #isFollowed: boolean;
  /** Bytes of whole lines in the file. */
  #size: number;
  #buffer: string[] = [];
  #buffered = 0;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, file: OpenFile, size: number, isFollowed: boolean) {
    this.path = path;
    this.#file = file;
    this.#isFollowed = isFollowed;
    this.#size = size;
  }

  /**
   * Opens a log for appending and makes it where it does not exist; a last line cut by a crash is removed.
   *
   * @param isFollowed whether every event is to be in the file at once
   * @throws `store/link`, `store/not-a-file`, `store/not-writable`, `store/read-only`
   */
  static async open(path: string, files: FileSystem = diskFileSystem, isFollowed = false): Promise<EventLog> {
    try {
      const file = await files.append(path);
      try {
        await removeCutLine(file);
        return new EventLog(path, file, (await file.stat()).size, isFollowed);
      } catch (error) {
        await file.close();
        throw error;
      }
    } catch (error) {
      throw storageError(error, { what: "the event log", path });
    }
  }

  /** Adds an event. Resolves when it is in the buffer or, for events that others wait for, in the file. */
  async append(event: RunEvent): Promise<void> {
    const line = `${renderEvent(event)}\n`;
    this.#buffer.push(line);
    this.#buffered += line.length;
    if (this.#isFollowed || this.#buffered >= bufferLimit || announced.has(event.type)) await this.#write();
  }

  /** Brings everything appended so far onto the disk, safe from a power cut. */
  async flush(): Promise<void> {
    await this.#write();
    await this.#guard(() => this.#file.datasync(), 0);
  }

  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      await this.#file.close();
    }
  }

  #write(): Promise<void> {
    const write = this.#writing.then(async () => {
      if (this.#buffer.length === 0) return;
      const text = this.#buffer.join("");
      this.#buffer = [];
      this.#buffered = 0;
      const bytes = Buffer.from(text);
      try {
        await this.#guard(() => this.#file.appendFile(bytes), bytes.length);
        this.#size += bytes.length;
      } catch (error) {
        // Half a line would spoil the next one: what was not written whole waits for the next time.
        await this.#file.truncate(this.#size).catch(() => undefined);
        this.#buffer.unshift(text);
        this.#buffered += text.length;
        throw error;
      }
    });
    // The caller sees the failure; later writes must not be stopped by it.
    this.#writing = write.catch(() => undefined);
    return write;
  }

  async #guard(action: () => Promise<unknown>, bytes: number): Promise<void> {
    try {
      await action();
    } catch (error) {
      throw storageError(error, { what: "the event log", path: this.path, bytes });
    }
  }
}

/** A blob store that saves nothing before the events that led to it are on the disk. */
export function flushingBefore(store: BlobStore, log: EventLog): BlobStore {
  return {
    async put(name, bytes) {
      await log.flush();
      await store.put(name, bytes);
    },
    get: (name) => store.get(name),
    list: (prefix) => store.list(prefix),
    delete: (name) => store.delete(name),
  };
}

/**
 * Drops what happened after a round and the end of the run, as a resumed run will do both again, and lines that are
 * too long to be read. `run.started` always stays, and the other lines stay as they were written. The file is replaced
 * as a whole: a crash leaves the old one or the new one.
 *
 * @returns how many events were dropped
 * @throws `store/disk-full`, `store/not-writable`, `store/read-only`, `store/link`, `store/not-a-file`
 */
export async function truncateAfterRound(
  path: string,
  round: number,
  files: FileSystem = diskFileSystem,
): Promise<number> {
  let dropped = 0;
  for (const line of readLines(path)) if (line === undefined || isAfter(line, round)) dropped++;
  if (dropped > 0) await writeAtomically(files, path, keptLines(path, round), "the event log");
  return dropped;
}

/** The lines that hold a JSON object of a round up to `round`, some at a time. */
function* keptLines(path: string, round: number): Generator<Uint8Array> {
  let lines: string[] = [];
  let length = 0;
  for (const line of readLines(path)) {
    if (line === undefined || isAfter(line, round) || parseObject(line) === undefined) continue;
    lines.push(`${line}\n`);
    length += line.length;
    if (length < bufferLimit) continue;
    yield Buffer.from(lines.join(""));
    [lines, length] = [[], 0];
  }
  yield Buffer.from(lines.join(""));
}

function isAfter(line: string, round: number): boolean {
  if (parseObject(line)?.type === "run.finished") return true;
  const own = roundOf(line);
  return own !== undefined && own > round;
}

/** The round a line tells of; undefined for what belongs to the whole run. */
function roundOf(line: string): number | undefined {
  const event = parseObject(line);
  if (event?.type === "run.started") return undefined;
  return typeof event?.round === "number" ? event.round : undefined;
}

function parseObject(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** A whole event whose line end was lost gets it back; half an event goes. */
async function removeCutLine(file: OpenFile): Promise<void> {
  const { size } = await file.stat();
  const end = await lastLineEnd(file, size);
  if (end === size) return;
  const length = size - end;
  const tail = Buffer.alloc(length > longestLine ? 0 : length);
  await file.read(tail, 0, tail.length, end);
  if (parseObject(tail.toString("utf8")) === undefined) await file.truncate(end);
  else await file.appendFile("\n");
}

/** Position after the last line end; 0 where there is none. */
async function lastLineEnd(file: OpenFile, size: number): Promise<number> {
  const block = Buffer.alloc(bufferLimit);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - block.length);
    const { bytesRead } = await file.read(block, 0, end - start, start);
    const at = block.subarray(0, bytesRead).lastIndexOf(10);
    if (at >= 0) return start + at + 1;
    end = start;
  }
  return 0;
}
