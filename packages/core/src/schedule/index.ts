export type { Arrival, RoundStart, Schedule, ScheduleState, Step, Verdict, WorkRequest } from "./schedule.ts";
export { synchronous } from "./synchronous.ts";
