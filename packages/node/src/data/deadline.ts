/** A point in time that can move away. */
export class Deadline {
  /** Called once when it has passed, with the time that was allowed in all. */
  onMissed: (allowedMs: number) => void = () => {};
  #allowedMs: number;
  #startedAt: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(milliseconds: number) {
    this.#allowedMs = milliseconds;
  }

  start(): void {
    this.#startedAt ??= performance.now();
    this.#wait();
  }

  extend(milliseconds: number): void {
    this.#allowedMs += milliseconds;
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #wait(): void {
    clearTimeout(this.#timer);
    const left = this.#startedAt! + this.#allowedMs - performance.now();
    if (left <= 0) this.onMissed(this.#allowedMs);
    // Timers of more than 2^31 - 1 ms would end at once.
    else this.#timer = setTimeout(() => this.#wait(), Math.min(left, 2 ** 30));
  }
}
