import type { Timers } from "./ports.ts";

/** Timers that are longer would fire at once. */
const longestMs = 2 ** 31 - 1;

/** The time of this machine. */
export const systemTimers: Timers = {
  now: () => performance.now(),
  date: () => Date.now(),
  after(milliseconds, call) {
    const timer = setTimeout(call, Math.min(milliseconds, longestMs));
    return () => clearTimeout(timer);
  },
};
