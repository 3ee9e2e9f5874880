import type { Timers } from "../live/ports.ts";
import type { FaultSource } from "./fault-source.ts";
import type { VirtualTimers } from "./virtual-timers.ts";

/** What a process is part of. */
export interface ProcessWorld {
  readonly timers: VirtualTimers;
  readonly source: FaultSource;
  /** Told once. */
  crashed(where: string): void;
}

/** A process that can crash and be suspended, and whose clock may be wrong. A dead one does nothing any more. */
export class SimulatedProcess {
  readonly timers: Timers;
  readonly #world: ProcessWorld;
  readonly #crash: "crashServer" | "crashClient";
  readonly #death = Promise.withResolvers<void>();
  #isAlive = true;
  #frozenUntil = 0;

  constructor(world: ProcessWorld, crash: "crashServer" | "crashClient") {
    this.#world = world;
    this.#crash = crash;
    this.timers = this.#clock();
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Resolves when the process has crashed. */
  get died(): Promise<void> {
    return this.#death.promise;
  }

  /** Whether the process still lives: it may crash here. */
  point(where: string): boolean {
    if (this.#isAlive && this.#world.source.happens(this.#crash)) this.crash(where);
    return this.#isAlive;
  }

  crash(where: string): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    this.#death.resolve();
    this.#world.crashed(where);
  }

  /** It has ended by itself. */
  end(): void {
    this.#isAlive = false;
  }

  /** Suspends the process, as when the lid of a laptop is closed. */
  freeze(milliseconds: number): void {
    this.#frozenUntil = this.#world.timers.now() + milliseconds;
  }

  wake(): void {
    this.#frozenUntil = 0;
  }

  /** Calls when the process is there to hear of it, if it lives then. */
  whenAwake(where: string, call: () => void): void {
    const { timers } = this.#world;
    const wait = this.#frozenUntil - timers.now();
    // asked again every second: it may be woken before
    if (wait > 0) timers.after(Math.min(wait, 1000), () => this.whenAwake(where, call));
    else if (this.point(where)) call();
  }

  #clock(): Timers {
    const { timers, source } = this.#world;
    const isWrong = source.happens("skew");
    const offset = isWrong ? (2 * source.random() - 1) * 7_200_000 : 0;
    const rate = isWrong ? 1 + (2 * source.random() - 1) / 5 : 1;
    const started = timers.now();
    return {
      now: () => (timers.now() - started) * rate,
      date: () => timers.date() + offset,
      after: (milliseconds, call) => {
        let isCancelled = false;
        const cancel = timers.after(milliseconds / rate, () => {
          if (!isCancelled && this.#isAlive) this.whenAwake("timer", () => isCancelled || call());
        });
        return () => {
          isCancelled = true;
          cancel();
        };
      },
    };
  }
}
