import type { Algorithm, Payloads } from "../algorithms/algorithm.ts";
import type { Config } from "../config/index.ts";
import { capabilitiesOf, requireCapable } from "../pipeline/index.ts";
import type { Warning } from "../round/backend.ts";
import {
  arrivalGroups,
  arrivalWeights,
  buffered,
  firstArrivals,
  type Schedule,
  type ScheduleName,
  type StalenessRule,
  synchronous,
  ticks,
  tickWeights,
} from "../schedule/index.ts";
import { checkSchedule } from "./check-schedule.ts";
import { clientTimes, type ScheduledClients } from "./client-times.ts";

/** Updates of a round where neither the configuration nor the method says how many. */
export const USUAL_BUFFER = 10;

/** The schedule that a configuration asks for: the one it names, or the one that its method is made for. */
export function scheduleName({ schedule }: Pick<Config, "schedule">, algorithm: Algorithm): ScheduleName {
  return schedule.name ?? algorithm.schedule ?? (algorithm.buffer === undefined ? "synchronous" : "buffered");
}

/** The schedule of a configuration for its method. Throws `config/conflict` for what is not proved for asynchronous runs. */
export function configuredSchedule(
  config: Config,
  algorithm: Algorithm,
  payloads: Payloads,
  clients: ScheduledClients,
): Schedule {
  const name = scheduleName(config, algorithm);
  checkSchedule(config, name, algorithm, clients);
  if (name === "synchronous") return synchronousSchedule(config, algorithm, clients);
  requireCapable("schedule.name", `"${name}"`, capabilitiesOf(algorithm, payloads));
  const { schedule } = config;
  const { population } = clients;
  const staleness = stalenessRule(config);
  // weights are made for clients that all train all the time
  const concurrency =
    schedule.concurrency ?? (algorithm.schedule === undefined ? Math.ceil(config.sampler.cohort) : population);
  if (name === "arrival-groups") {
    const { minSteps, maxSteps, latestFactor, speedMomentum } = schedule;
    return arrivalGroups({ minSteps, maxSteps, latestFactor, speedMomentum, staleness });
  }
  if (name === "ticks") {
    const period = Math.round(schedule.period! * 1e6);
    const weights = tickWeights(weightingOf(config), weighedClients(config, clients), period);
    return ticks({ period, concurrency, weight: (client) => weights[client]! });
  }
  const buffer = schedule.buffer ?? algorithm.buffer ?? USUAL_BUFFER;
  if (algorithm.schedule === undefined) return buffered({ buffer, concurrency, staleness });
  const weights = arrivalWeights(weightingOf(config), weighedClients(config, clients));
  const fresh = { form: "constant", rate: 0, grace: 0, most: schedule.maxStaleness } as const;
  return buffered({ buffer, concurrency, staleness: fresh, weight: (client) => weights[client]! });
}

/** Keys that switch nothing on, by the schedules that read them. */
const READERS = {
  buffer: ["buffered"],
  concurrency: ["buffered", "ticks", "arrival-groups"],
  maxStaleness: ["buffered", "arrival-groups"],
} as const satisfies Record<string, readonly ScheduleName[]>;

/** Keys that a file may keep for when it is run asynchronously: whoever sets them may believe that they count now. */
export function scheduleWarnings(config: Config, algorithm: Algorithm): readonly Warning[] {
  const name = scheduleName(config, algorithm);
  return Object.entries(READERS).flatMap(([key, readers]): Warning[] => {
    const value = config.schedule[key as keyof typeof READERS];
    if (value === undefined || readers.some((reader) => reader === name)) return [];
    const message = `schedule.${key} = ${value} has no effect: the schedule of this run is "${name}". It counts with schedule.name = "buffered".`;
    return [{ code: "schedule/unused", message }];
  });
}

function synchronousSchedule(config: Config, { sampling }: Algorithm, { durations }: ScheduledClients): Schedule {
  const { schedule, sampler } = config;
  const { deadline } = schedule;
  const awaited = sampling === undefined ? undefined : Math.ceil(sampling.successFraction * sampler.cohort);
  const keep = awaited === undefined || awaited === sampler.cohort ? schedule.keep : awaited;
  if (keep === undefined && deadline === undefined) return synchronous;
  return firstArrivals({
    keep,
    deadline: deadline === undefined ? undefined : Math.round(deadline * 1e6),
    duration: (client, round, at, part) => durations!(client, round, 0, { at, part }),
  });
}

function stalenessRule({ schedule }: Config): StalenessRule {
  return {
    form: schedule.staleness,
    rate: schedule.stalenessRate,
    grace: schedule.stalenessGrace,
    most: schedule.maxStaleness,
  };
}

function weightingOf({ schedule }: Config): "unbiased" | "identical" {
  return schedule.weighting ?? "unbiased";
}

/** Times and importance of the clients: by their examples, or equal, as `aggregation.weighting` says. */
function weighedClients(config: Config, { population, examples, durations }: ScheduledClients) {
  const equal = config.aggregation.weighting === "uniform";
  const sizes = equal ? Array.from({ length: population }, () => 1) : examples();
  const total = sizes.reduce((sum, size) => sum + size, 0);
  return {
    importance: sizes.map((size) => size / total),
    times: weightingOf(config) === "identical" ? sizes.map(() => 1) : clientTimes(config, population, durations),
  };
}
