export type { Clock, TimedEvent } from "./clock.ts";
export {
  type DeviceSettings,
  deviceSpeeds,
  type OrderDuration,
  type OrderStart,
  orderDurations,
} from "./device-times.ts";
export { type DeviceTrace, type DeviceWindow, parseDeviceTrace, traceDuration } from "./device-trace.ts";
export { VirtualClock } from "./virtual-clock.ts";
