import { type DeviceTrace, type OrderDuration, orderDurations, traceDuration } from "../clock/index.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import type { DeviceChoices } from "./device-choices.ts";

/** What a schedule must know of the clients. */
export interface ScheduledClients {
  readonly population: number;
  /** How long their orders take; undefined: no time. */
  readonly durations: OrderDuration | undefined;
  /** Training examples of each client. */
  examples(): readonly number[];
}

/**
 * How long simulated clients take for an order; undefined: no time. Local steps that a schedule sets count in proportion to
 * training.localSteps, and choices of a controller by their FLOPs. `trace`: the one that devices.trace names.
 */
export function configuredDurations(
  { devices, seed, training }: Config,
  trace: DeviceTrace | undefined,
  choices?: Pick<DeviceChoices, "work">,
): OrderDuration | undefined {
  const { speed, trace: _file, ...settings } = devices;
  const shareOf = (steps: number | undefined) =>
    (steps ?? 1) / (steps === undefined ? 1 : (training.localSteps ?? steps));
  if (speed === "none") return undefined;
  if (speed === "trace") {
    return (client, _version, _visit, start) => traceDuration(trace!, client, start?.at ?? 0, shareOf(start?.steps));
  }
  const durations = orderDurations({ speed, ...settings }, seed);
  return (client, version, visit, start) => {
    const whole = durations(client, version, visit);
    const share = shareOf(start?.steps) * (choices?.work(client, start?.part) ?? 1);
    return share === 1 ? whole : Math.max(1, Math.round(whole * share));
  };
}

/** tau: the time of each client's orders, in microseconds, where it is the same for all of them. */
export function clientTimes(
  { devices: { speed, per } }: Config,
  population: number,
  durations: OrderDuration | undefined,
): readonly number[] {
  const isFixed = speed !== "trace" && (speed === "equal" || speed === "list" || per === "client");
  if (durations === undefined || !isFixed) {
    throw conflict(
      "schedule.weighting",
      `"unbiased", with devices.speed = "${speed}"${per === "order" ? ' and devices.per = "order"' : ""}`,
      '"identical"',
      'Unbiased weights need one known time for each client: set devices.speed, with devices.per = "client".',
    );
  }
  return Array.from({ length: population }, (_, client) => durations(client, 0, 0));
}
