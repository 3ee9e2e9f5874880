export { type BufferedOptions, buffered } from "./buffered.ts";
export type { Arrival, Instant, RoundStart, Schedule, ScheduleState, Step, Verdict, WorkRequest } from "./schedule.ts";
export { type StalenessRule, stalenessFactor, stalenessForms } from "./staleness.ts";
export { synchronous } from "./synchronous.ts";
