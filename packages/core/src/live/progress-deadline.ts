import type { Timers } from "./ports.ts";

/** How long a client may take. */
export interface Patience {
  /** Without progress. */
  readonly progressSeconds: number;
  /** Whatever the client reports: nobody can hold a round for ever. */
  readonly longestSeconds: number;
}

/** A deadline that moves with progress, up to a limit. It calls `expired` once, with the reason. */
export class ProgressDeadline {
  readonly #timers: Timers;
  readonly #patience: Patience;
  readonly #expired: (reason: string) => void;
  #since: number | undefined;
  #cancel = () => {};
  #held = false;

  constructor(timers: Timers, patience: Patience, expired: (reason: string) => void) {
    this.#timers = timers;
    this.#patience = patience;
    this.#expired = expired;
  }

  /** Starts the deadline, or moves it. */
  progress(): void {
    this.cancel();
    if (this.#held) return;
    const { progressSeconds, longestSeconds } = this.#patience;
    const now = this.#timers.now();
    this.#since ??= now;
    const left = longestSeconds - (now - this.#since) / 1000;
    const [seconds, reason] =
      left < progressSeconds
        ? [left, `the client has not done its task in ${longestSeconds} s`]
        : [progressSeconds, `the client made no progress for ${progressSeconds} s`];
    this.#cancel = this.#timers.after(Math.max(0, seconds) * 1000, () => this.#expired(reason));
  }

  /** Stops the deadline while somebody else is waited for; progress does not start it until it is released. */
  hold(): void {
    this.#held = true;
    this.cancel();
  }

  release(): void {
    this.#held = false;
  }

  cancel(): void {
    this.#cancel();
  }
}
