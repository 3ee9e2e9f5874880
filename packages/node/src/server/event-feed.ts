import type { FileSystem } from "../store/file-system.ts";
import { LogTail, type NumberedLine } from "../store/log-tail.ts";

/** Where the events of a run come from. */
export interface Feed {
  /**
   * Lines after a number. Where there is no news for `quietSeconds`, undefined comes instead of a line. Ends when there will
   * be no more, when the log was cut, and when the signal is aborted.
   */
  follow(after: number, quietSeconds: number, signal: AbortSignal): AsyncGenerator<NumberedLine | undefined>;
}

/**
 * The events of a run, those of the past and those to come. The log file is the one source of both: a follower reads on in
 * it when `changed` says so, and nothing is kept in memory for it.
 */
export class EventFeed implements Feed {
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

  async *follow(after: number, quietSeconds: number, signal: AbortSignal): AsyncGenerator<NumberedLine | undefined> {
    const tail = new LogTail(this.#path, this.#files);
    while (!signal.aborted) {
      const [closed, news] = [this.#closed, this.#news.promise];
      for await (const line of tail.read()) {
        if (signal.aborted) return;
        if (line.number > after) yield line;
      }
      if (closed || tail.isCut) return;
      if (!(await happens(news, quietSeconds, signal))) yield undefined;
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
