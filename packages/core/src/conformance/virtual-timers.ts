import type { Timers } from "../live/ports.ts";

interface Timer {
  readonly at: number;
  readonly sequence: number;
  readonly call: () => void;
  isCancelled: boolean;
}

/**
 * Time that goes by as fast as there is nothing to do: for simulated networks.
 *
 * @example
 * ```ts
 * import { VirtualTimers } from "@anabranch/core/conformance";
 * const timers = new VirtualTimers();
 * let rings = 0;
 * timers.after(3_600_000, () => rings++);
 * await timers.run(() => rings === 1); // an hour goes by at once
 * timers.now(); // => 3600000
 * ```
 */
export class VirtualTimers implements Timers {
  #now = 0;
  #sequence = 0;
  /** A binary heap: the next timer first. Cancelled ones stay until their time. */
  readonly #heap: Timer[] = [];

  now(): number {
    return this.#now;
  }

  date(): number {
    return 1.8e12 + this.#now;
  }

  after(milliseconds: number, call: () => void): () => void {
    const at = this.#now + Math.max(0, milliseconds);
    const timer: Timer = { at, sequence: ++this.#sequence, call, isCancelled: false };
    this.#push(timer);
    return () => {
      timer.isCancelled = true;
    };
  }

  /** Runs timers in their order until `done`. Between two of them everything that can run does. */
  async run(done: () => boolean): Promise<void> {
    const { settle, close } = openSettling();
    try {
      while (true) {
        await settle();
        if (done()) return;
        const next = this.#next();
        if (next === undefined) throw new Error("nothing happens any more, and what was waited for is not there");
        this.#now = next.at;
        next.call();
      }
    } finally {
      close();
    }
  }

  #next(): Timer | undefined {
    let next = this.#pop();
    while (next?.isCancelled === true) next = this.#pop();
    return next;
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (isBefore(heap[above]!, timer)) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = timer;
  }

  #pop(): Timer | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let at = 0;
    while (true) {
      let below = 2 * at + 1;
      if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below++;
      if (below >= heap.length || isBefore(last, heap[below]!)) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.sequence < b.sequence);
}

/** `settle` resolves when no promise of this thread has anything to do: all work here is done in microtasks. */
function openSettling(): { settle(): Promise<void>; close(): void } {
  const { port1, port2 } = new MessageChannel();
  let settled = () => {};
  port1.onmessage = () => settled();
  return {
    settle: () =>
      new Promise((resolve) => {
        settled = resolve;
        port2.postMessage(0);
      }),
    close: () => port1.close(),
  };
}
