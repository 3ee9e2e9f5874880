export type { Clock, TimedEvent } from "./clock.ts";
export { VirtualClock } from "./virtual-clock.ts";
