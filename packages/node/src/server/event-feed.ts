import { StringDecoder } from "node:string_decoder";
import { longestLine } from "../store/event-lines.ts";
import type { FileSystem } from "../store/file-system.ts";

/** A line of the event log with its number in the file, from 1. */
export interface NumberedLine {
  readonly number: number;
  readonly text: string;
}

const blockBytes = 64 * 1024;

/**
 * The events of a run, those of the past and those to come. The log file is the one source of both: a follower reads on in
 * it when `changed` says so, and nothing is kept in memory for it.
 */
export class EventFeed {
  readonly #path: string;
  readonly #files: FileSystem;
  #news = Promise.withResolvers<void>();
  #closed = false;

  /** @param path of events.jsonl */
  constructor(path: string, files: FileSystem) {
    this.#path = path;
    this.#files = files;
  }

  /** The file has grown. */
  changed(): void {
    const { resolve } = this.#news;
    this.#news = Promise.withResolvers();
    resolve();
  }

  /** Followers read what is left and end. */
  close(): void {
    this.#closed = true;
    this.changed();
  }

  /**
   * Lines after a number. Where there is no news for `quietSeconds`, undefined comes instead of a line. Ends after `close`
   * and when the signal is aborted.
   */
  async *follow(after: number, quietSeconds: number, signal: AbortSignal): AsyncGenerator<NumberedLine | undefined> {
    const lines = new LineReader();
    while (!signal.aborted) {
      const [closed, news] = [this.#closed, this.#news.promise];
      for await (const line of lines.read(this.#path, this.#files)) {
        if (signal.aborted) return;
        if (line.number > after) yield line;
      }
      if (closed) return;
      if (!(await happens(news, quietSeconds, signal))) yield undefined;
    }
  }
}

/** Reads whole lines of a growing file. */
class LineReader {
  readonly #decoder = new StringDecoder("utf8");
  #position = 0;
  #number = 0;
  #rest = "";

  async *read(path: string, files: FileSystem): AsyncGenerator<NumberedLine> {
    const file = await files.open(path);
    if (file === undefined) return;
    try {
      const block = Buffer.alloc(blockBytes);
      for (;;) {
        const { bytesRead } = await file.read(block, 0, block.length, this.#position);
        if (bytesRead === 0) return;
        this.#position += bytesRead;
        const parts = (this.#rest + this.#decoder.write(block.subarray(0, bytesRead))).split("\n");
        this.#rest = parts.pop() ?? "";
        for (const text of parts) yield { number: ++this.#number, text };
        if (this.#rest.length > longestLine) throw new Error(`${path} has a line that is too long`);
      }
    } finally {
      await file.close();
    }
  }
}

/** Whether something happens before so many seconds are over; also true where the signal is aborted. */
async function happens(news: Promise<void>, seconds: number, signal: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), seconds * 1000);
  const aborted = () => resolve(true);
  signal.addEventListener("abort", aborted, { once: true });
  void news.then(() => resolve(true));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", aborted);
  }
}
