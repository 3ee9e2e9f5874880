import type { FaultName, FaultSource } from "./fault-source.ts";
import type { VirtualTimers } from "./virtual-timers.ts";

/** A run waits long in some of them: without a limit most would begin while nothing else happens. */
const MOST = 8;

/** What happens from time to time, and ends by itself: each kind starts now and takes so many milliseconds. */
export type Disturbances = Readonly<Partial<Record<FaultName, { longest: number; start(milliseconds: number): void }>>>;

/** Has some disturbances begin at random, each as often in a minute as its rate says, until all is calm. */
export function disturb(timers: VirtualTimers, source: FaultSource, disturbances: Disturbances): void {
  const kinds = Object.entries(disturbances) as [FaultName, NonNullable<Disturbances[FaultName]>][];
  const perMinute = kinds.reduce((sum, [name]) => sum + source.faults[name], 0);
  if (perMinute === 0) return;
  const next = (left: number) => {
    if (left === 0) return;
    timers.after((-Math.log(1 - source.random()) * 60_000) / perMinute, () => {
      if (source.isCalm) return;
      let at = source.random() * perMinute;
      for (const [name, { longest, start }] of kinds) {
        at -= source.faults[name];
        if (at >= 0) continue;
        source.count(name);
        // short ones far more often than long ones: by the third power
        start(longest * source.random() ** 3);
        break;
      }
      next(left - 1);
    });
  };
  next(MOST);
}
