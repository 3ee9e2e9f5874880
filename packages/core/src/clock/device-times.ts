import { deriveKey, randomStream, rootKey } from "../random/index.ts";

export const deviceSpeeds = ["none", "equal", "exponential", "lognormal", "pareto", "list", "trace"] as const;

/** How long simulated clients take for their work. */
export interface DeviceSettings {
  readonly speed: Exclude<(typeof deviceSpeeds)[number], "none" | "trace">;
  /** Mean of "equal" and "exponential", median of "lognormal", least of "pareto"; seconds per order. */
  readonly seconds: number;
  /** Standard deviation of the logarithm, of "lognormal". */
  readonly spread: number;
  /** Tail index of "pareto": P(duration > t) = (seconds / t)^tail. */
  readonly tail: number;
  /** Whether a client has one time for all of its orders, or another one for each. */
  readonly per: "client" | "order";
  /** Seconds by client, repeated from the start; of "list". */
  readonly times: readonly number[];
}

/** When an order is given out, and how much it asks for. */
export interface OrderStart {
  /** Instant, in microseconds. */
  readonly at: number;
  /** Local steps, where a schedule sets them; undefined: those of the configuration. */
  readonly steps?: number | undefined;
  /** Of the method's parts, the one that the client trains. */
  readonly part?: number | undefined;
}

/** Duration of an order, in microseconds, whatever the machine that simulates it. */
export type OrderDuration = (client: number, version: number, visit: number, start?: OrderStart) => number;

/** Longest duration of an order: four months. */
const LONGEST_SECONDS = 1e7;

/**
 * Durations by (seed, client), or by (seed, client, version, visit).
 *
 * @example orderDurations({ speed: "exponential", seconds: 10, spread: 1, tail: 1.5, per: "client", times: [] }, 1)(3, 1, 0)
 */
export function orderDurations(
  { speed, seconds, spread, tail, per, times }: DeviceSettings,
  seed: number,
): OrderDuration {
  const root = deriveKey(rootKey(seed), "duration");
  return (client, version, visit) => {
    if (speed === "equal") return microseconds(seconds);
    if (speed === "list") return microseconds(times[client % times.length]!);
    const key = per === "client" ? deriveKey(root, client) : deriveKey(root, client, version, visit);
    const stream = randomStream(key);
    if (speed === "lognormal") return microseconds(seconds * Math.exp(spread * stream.normal()));
    const logarithm = Math.log(1 - stream.float());
    return microseconds(speed === "pareto" ? seconds * Math.exp(-logarithm / tail) : -seconds * logarithm);
  };
}

/** At least 1, as work takes time. */
function microseconds(seconds: number): number {
  return Math.max(1, Math.round(Math.min(seconds, LONGEST_SECONDS) * 1e6));
}
