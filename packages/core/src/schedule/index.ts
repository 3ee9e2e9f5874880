export { type ArrivalGroupsOptions, arrivalGroups } from "./arrival-groups.ts";
export { type BufferedOptions, buffered } from "./buffered.ts";
export { arrivalWeights, type ClientWeighting, clientWeightings, tickWeights } from "./client-weights.ts";
export { type FirstArrivalsOptions, firstArrivals, firstOf, type TimedClient } from "./first-arrivals.ts";
export { firstOrder } from "./first-order.ts";
export { type ScheduleName, scheduleNames } from "./names.ts";
export type {
  Arrival,
  Instant,
  OrderName,
  Return,
  RoundStart,
  Schedule,
  ScheduleState,
  Step,
  Verdict,
  WorkRequest,
} from "./schedule.ts";
export { type StalenessRule, stalenessFactor, stalenessForms } from "./staleness.ts";
export { synchronous } from "./synchronous.ts";
export { type TicksOptions, ticks } from "./ticks.ts";
