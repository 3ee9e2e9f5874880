import { closeSync, readSync } from "node:fs";
import { parseEvent, type RunEvent } from "@anabranch/core";
import { LineBuffer } from "./line-buffer.ts";
import { openPlainSync } from "./plain-file.ts";
import { hasCode } from "./storage-error.ts";

/**
 * Bytes of the longest line of an event log that is read. An evaluation of 100,000 clients takes 3 MB; JSON of small
 * parts may take thirty times its length in memory.
 */
export const longestLine = 16 * 2 ** 20;

const blockSize = 256 * 1024;

/** What was passed over while a log was read. */
export interface PassedOver {
  /** Lines beyond `longestLine`. */
  tooLong: number;
}

/**
 * The lines of a text file without their ends; undefined for one that is too long, which never is in memory as a whole.
 * None where there is no file. A last line without an end counts.
 *
 * @throws `store/link`, `store/not-a-file`, `store/too-large` after a gigabyte in such lines, the system's errors
 */
export function* readLines(path: string, limit = longestLine): Generator<string | undefined> {
  let file: number;
  try {
    file = openPlainSync(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return;
    throw error;
  }
  try {
    const block = Buffer.allocUnsafe(blockSize);
    const line = new LineBuffer(limit, path);
    for (let length = readSync(file, block); length > 0; length = readSync(file, block)) {
      let start = 0;
      for (let end = block.indexOf(10, start); end >= 0 && end < length; end = block.indexOf(10, start)) {
        yield line.end(block.subarray(start, end));
        start = end + 1;
      }
      line.add(block.subarray(start, length));
    }
    if (!line.isEmpty) yield line.end(Buffer.alloc(0));
  } finally {
    closeSync(file);
  }
}

/**
 * The events of a log in order; none without a file. Lines that are no event this version knows (a cut last line) are
 * passed over: a log must open after a crash. Those that are too long are counted.
 *
 * @throws `store/link`, `store/not-a-file`, `store/too-large`
 * @example
 * ```ts
 * import { join } from "node:path";
 * import { mkdtemp, writeFile } from "node:fs/promises";
 * import { readEvents } from "@anabranch/node";
 * import { tmpdir } from "node:os";
 * const root = await mkdtemp(join(tmpdir(), "runs-"));
 * await writeFile(join(root, "events.jsonl"), "");
 * const types: string[] = [];
 * for await (const event of readEvents(join(root, "events.jsonl"))) types.push(event.type);
 * types; // => []
 * ```
 */
export async function* readEvents(path: string, passed: PassedOver = { tooLong: 0 }): AsyncGenerator<RunEvent> {
  for (const line of readLines(path)) {
    if (line === undefined) {
      passed.tooLong++;
      continue;
    }
    let event: RunEvent;
    try {
      event = parseEvent(line);
    } catch {
      continue;
    }
    yield event;
  }
}
