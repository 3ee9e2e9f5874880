import { setTimeout as sleep } from "node:timers/promises";
import { SilentStore, s3Failure } from "./s3-errors.ts";

/** How long a request to the storage is tried. */
export interface S3Patience {
  /** Milliseconds for which no byte may move. */
  readonly silentMs: number;
  /** Milliseconds of all tries together, beside what the bytes need at the lowest speed. */
  readonly totalMs: number;
  /** Lowest speed. */
  readonly bytesPerSecond: number;
  /** Milliseconds before the second try; each later wait is twice as long, up to `longestWaitMs`. */
  readonly firstWaitMs: number;
}

export const usualPatience: S3Patience = {
  ...{ silentMs: 30_000, totalMs: 300_000, bytesPerSecond: 65_536, firstWaitMs: 250 },
};

const longestWaitMs = 15_000;

/** One try of a request. */
export interface Try {
  /** Aborted when no byte has moved for too long, and at the deadline. */
  readonly signal: AbortSignal;
  /** A byte has moved. */
  moved(): void;
  /** So many bytes will come: the deadline moves. */
  expects(bytes: number): void;
}

/**
 * Tries a request again, with growing waits, as long as the next try may succeed and the deadline has not passed.
 *
 * @param bytes that are sent
 * @throws what `s3Failure` makes of the last failure
 */
export async function persist<T>(
  patience: S3Patience,
  where: string,
  bytes: number,
  request: (attempt: Try) => Promise<T>,
): Promise<T> {
  const timeFor = (count: number) => (count / patience.bytesPerSecond) * 1000;
  const begun = performance.now();
  let most = bytes;
  const left = () => begun + patience.totalMs + timeFor(most) - performance.now();
  for (let wait = patience.firstWaitMs; ; wait = Math.min(2 * wait, longestWaitMs)) {
    const watch = new Watch(patience.silentMs, left);
    try {
      const { signal } = watch;
      return await request({
        signal,
        moved: () => watch.moved(),
        expects: (count) => {
          most = Math.max(most, count);
        },
      });
    } catch (error) {
      const { error: failure, isPassing } = s3Failure(watch.signal.aborted ? watch.signal.reason : error, where);
      // a try that cannot last would only say that it was slow
      if (!isPassing || wait + patience.silentMs > left()) throw failure;
    } finally {
      watch.end();
    }
    await sleep(wait);
  }
}

/** Aborts its signal when `moved` is not called for too long. */
class Watch {
  readonly #abort = new AbortController();
  readonly #silentMs: number;
  readonly #left: () => number;
  #timer: NodeJS.Timeout | undefined;

  constructor(silentMs: number, left: () => number) {
    this.#silentMs = silentMs;
    this.#left = left;
    this.moved();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  moved(): void {
    clearTimeout(this.#timer);
    const ms = Math.max(0, Math.min(this.#silentMs, this.#left()));
    const seconds = Math.round(ms / 1000);
    this.#timer = setTimeout(() => this.#abort.abort(new SilentStore(`no byte in ${seconds} s`)), ms);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
