export { type BufferedOptions, buffered } from "./buffered.ts";
export { type FirstArrivalsOptions, firstArrivals, firstOf, type TimedClient } from "./first-arrivals.ts";
export { firstOrder } from "./first-order.ts";
export type { Arrival, Instant, RoundStart, Schedule, ScheduleState, Step, Verdict, WorkRequest } from "./schedule.ts";
export { type StalenessRule, stalenessFactor, stalenessForms } from "./staleness.ts";
export { synchronous } from "./synchronous.ts";
