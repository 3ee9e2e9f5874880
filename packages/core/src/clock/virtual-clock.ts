import { AnabranchError } from "@anabranch/engine";
import type { Clock, TimedEvent } from "./clock.ts";

const PRIORITY = { arrival: 0, timer: 1 } as const;

interface Entry<Work> {
  readonly event: TimedEvent<Work>;
  readonly sequence: number;
}

/**
 * Simulated time: a heap of events by (instant, arrivals before timers, order of creation). Durations are known before
 * anything is trained, so the order of a run's events depends on numbers alone.
 *
 * @example
 * ```ts
 * import { VirtualClock } from "@anabranch/core";
 * const clock = new VirtualClock<string>();
 * clock.expect("slow client", 2_000_000);
 * clock.expect("fast client", 500_000);
 * clock.next(); // => { kind: "arrival", at: 500000, work: "fast client" }
 * clock.now; // => 500000
 * ```
 */
export class VirtualClock<Work> implements Clock<Work> {
  readonly #heap: Entry<Work>[] = [];
  #sequence = 0;
  #now: number;

  constructor(start = 0) {
    this.#now = requireTime("start", start);
  }

  get now(): number {
    return this.#now;
  }

  expect(work: Work, duration: number): void {
    this.#push({ kind: "arrival", at: this.#now + requireTime("duration", duration), work });
  }

  setTimer(name: string, at: number): void {
    if (requireTime("timer", at) < this.#now) throw misplaced("timer", at, `at least ${this.#now}`);
    this.#push({ kind: "timer", at, name });
  }

  peek(): TimedEvent<Work> | undefined {
    return this.#heap[0]?.event;
  }

  next(): TimedEvent<Work> | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (first === undefined || last === undefined) return undefined;
    if (this.#heap.length > 0) this.#sink(last);
    this.#now = first.event.at;
    return first.event;
  }

  #push(event: TimedEvent<Work>): void {
    const entry = { event, sequence: this.#sequence++ };
    let at = this.#heap.length;
    this.#heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, this.#heap[parent]!)) break;
      this.#heap[at] = this.#heap[parent]!;
      at = parent;
    }
    this.#heap[at] = entry;
  }

  /** Puts an entry at the top and moves it down to its place. */
  #sink(entry: Entry<Work>): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, entry)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = entry;
  }
}

function before<Work>(a: Entry<Work>, b: Entry<Work>): boolean {
  if (a.event.at !== b.event.at) return a.event.at < b.event.at;
  const [first, second] = [PRIORITY[a.event.kind], PRIORITY[b.event.kind]];
  return first === second ? a.sequence < b.sequence : first < second;
}

function requireTime(what: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw misplaced(what, value, "an integer of at least 0, in microseconds");
}

function misplaced(what: string, value: number, expected: string): AnabranchError {
  return new AnabranchError({
    code: "clock/time",
    message: `a ${what} is not a valid time`,
    received: `${value}`,
    expected,
  });
}
