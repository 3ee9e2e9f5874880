import type { Timers } from "./ports.ts";

/** Timers that are longer would fire at once. */
const longestMs = 2 ** 31 - 1;

/**
 * The time of this machine.
 *
 * @example
 * ```ts
 * import { systemTimers } from "@anabranch/core/live";
 * const before = systemTimers.now();
 * await new Promise<void>((done) => systemTimers.after(1, done));
 * systemTimers.now() > before; // => true
 * ```
 */
export const systemTimers: Timers = {
  now: () => performance.now(),
  date: () => Date.now(),
  after(milliseconds, call) {
    const timer = setTimeout(call, Math.min(milliseconds, longestMs));
    return () => clearTimeout(timer);
  },
};
