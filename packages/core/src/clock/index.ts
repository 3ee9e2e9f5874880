export type { Clock, TimedEvent } from "./clock.ts";
export { type DeviceSettings, deviceSpeeds, type OrderDuration, orderDurations } from "./device-times.ts";
export { VirtualClock } from "./virtual-clock.ts";
