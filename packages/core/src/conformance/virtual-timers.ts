import type { Timers } from "../live/ports.ts";

interface Timer {
  readonly at: number;
  readonly sequence: number;
  readonly call: () => void;
}

/** Time that goes by as fast as there is nothing to do: for simulated networks. */
export class VirtualTimers implements Timers {
  #now = 0;
  #sequence = 0;
  readonly #timers = new Map<number, Timer>();

  now(): number {
    return this.#now;
  }

  date(): number {
    return 1.8e12 + this.#now;
  }

  after(milliseconds: number, call: () => void): () => void {
    const sequence = ++this.#sequence;
    this.#timers.set(sequence, { at: this.#now + Math.max(0, milliseconds), sequence, call });
    return () => void this.#timers.delete(sequence);
  }

  /** Runs timers in their order until `done`. Between two of them everything that can run does. */
  async run(done: () => boolean): Promise<void> {
    while (true) {
      await settle();
      if (done()) return;
      const next = this.#next();
      if (next === undefined) throw new Error("nothing happens any more, and what was waited for is not there");
      this.#timers.delete(next.sequence);
      this.#now = next.at;
      next.call();
    }
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers.values()) {
      if (first === undefined || timer.at < first.at || (timer.at === first.at && timer.sequence < first.sequence))
        first = timer;
    }
    return first;
  }
}

/** Resolves when no promise of this thread has anything to do: all work here is done in microtasks. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });
}
