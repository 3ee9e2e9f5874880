import type { Algorithm } from "../algorithms/algorithm.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import type { ScheduleName } from "../schedule/index.ts";
import type { ScheduledClients } from "./client-times.ts";

/** Refuses (`config/conflict`) what a schedule cannot do, or cannot do with this method. */
export function checkSchedule(
  config: Config,
  name: ScheduleName,
  algorithm: Algorithm,
  clients: Pick<ScheduledClients, "population" | "durations">,
): void {
  requireUsedKeys(config, name, algorithm);
  if (name === "synchronous") {
    requireFirstArrivals(config, clients);
    return;
  }
  requireMatch(name, algorithm);
  requireOpenUpdates(config, name);
  requireConcurrency(config, algorithm, clients);
  if (name === "ticks") requirePeriod(config, clients);
  if (name === "arrival-groups") requireSteps(config, clients);
}

/** Keys that one schedule alone knows; whoever sets them believes that they count. */
function requireUsedKeys({ schedule }: Config, name: ScheduleName, algorithm: Algorithm): void {
  const isSet: Readonly<Record<string, readonly [boolean, boolean, string]>> = {
    keep: [schedule.keep !== undefined, name === "synchronous", "synchronous"],
    deadline: [schedule.deadline !== undefined, name === "synchronous", "synchronous"],
    period: [schedule.period !== undefined, name === "ticks", "ticks"],
    minSteps: [schedule.minSteps !== 20, name === "arrival-groups", "arrival-groups"],
    maxSteps: [schedule.maxSteps !== 100, name === "arrival-groups", "arrival-groups"],
    compensation: [schedule.compensation !== 0, name === "buffered" && !sendsModels(algorithm), "buffered"],
    weighting: [schedule.weighting !== undefined, isWeighed(algorithm, name), "ticks"],
  };
  for (const [key, [set, counts, owner]] of Object.entries(isSet)) {
    if (!set || counts) continue;
    throw conflict(
      `schedule.${key}`,
      `${String(schedule[key as "keep"])}, with the schedule "${name}" and algorithm.name = "${algorithm.name}"`,
      "nothing",
      key === "weighting"
        ? 'Only fedfix and async-fedavg weigh clients: leave it out, or set algorithm.name = "fedfix".'
        : `It counts with schedule.name = "${owner}" alone${key === "compensation" ? ", for methods that send updates" : ""}: leave it out.`,
    );
  }
}

function sendsModels({ sendsModels: sends }: Algorithm): boolean {
  return sends === true;
}

function isWeighed({ schedule }: Algorithm, name: ScheduleName): boolean {
  return schedule === name && (name === "ticks" || name === "buffered");
}

function requireFirstArrivals(
  { schedule, sampler, devices, privacy, secureAggregation }: Config,
  { durations }: Clients,
) {
  const { keep, deadline } = schedule;
  const key = keep === undefined ? "deadline" : "keep";
  if (keep === undefined && deadline === undefined) return;
  if (durations === undefined) {
    throw conflict(
      `schedule.${key}`,
      `${schedule[key]}, with devices.speed = "${devices.speed}"`,
      "devices with speeds",
      'Without them all clients arrive at once: set devices.speed, e.g. to "exponential".',
    );
  }
  if (keep !== undefined && keep > sampler.cohort) {
    throw conflict(
      "schedule.keep",
      `${keep}`,
      `at most sampler.cohort = ${sampler.cohort}`,
      "A round keeps the first updates of its cohort: lower schedule.keep or raise sampler.cohort.",
    );
  }
  const hides = privacy.mechanism !== "none" ? "privacy.mechanism" : "secureAggregation.protocol";
  if (privacy.mechanism === "none" && secureAggregation.protocol === "none") return;
  throw conflict(
    hides,
    `"${privacy.mechanism === "none" ? secureAggregation.protocol : privacy.mechanism}", with schedule.${key}`,
    '"none"',
    "Who is in a round would depend on the speed of clients, which no guarantee covers. Leave it out.",
  );
}

type Clients = Pick<ScheduledClients, "population" | "durations">;

/** Factors of one schedule mean nothing to a method that is made for another. */
function requireMatch(name: ScheduleName, { name: method, schedule }: Algorithm): void {
  const wanted = schedule ?? (name === "buffered" ? name : undefined);
  if (wanted === name) return;
  const owners = { ticks: "fedfix", "arrival-groups": "fedcompass", buffered: "fedbuff", synchronous: "fedavg" };
  throw conflict(
    "schedule.name",
    `"${name}", with algorithm.name = "${method}"`,
    wanted === undefined ? '"synchronous" or "buffered"' : `"${wanted}"`,
    `Its factors are made for another server: set algorithm.name = "${owners[name]}".`,
  );
}

function requireConcurrency({ schedule }: Config, { name, schedule: own }: Algorithm, { population }: Clients) {
  const { concurrency } = schedule;
  if (concurrency === undefined) return;
  if (concurrency > population) {
    const advice = "A client trains one thing at a time: lower schedule.concurrency or raise data.clients.";
    throw conflict("schedule.concurrency", `${concurrency}`, `at most data.clients = ${population}`, advice);
  }
  if (own === undefined || concurrency === population) return;
  const advice = "Its weights are made for clients that all train all the time: leave schedule.concurrency out.";
  throw conflict(
    "schedule.concurrency",
    `${concurrency}, with algorithm.name = "${name}"`,
    `data.clients = ${population}`,
    advice,
  );
}

function requirePeriod({ schedule, devices }: Config, { durations }: Clients): void {
  if (schedule.period === undefined) {
    throw conflict(
      "schedule.period",
      "nothing",
      "simulated seconds",
      "Set the time between two steps of the server, e.g. schedule.period = 10.",
    );
  }
  requireDevices("ticks", devices.speed, durations);
}

function requireSteps({ schedule, training, devices }: Config, { durations }: Clients): void {
  requireDevices("arrival-groups", devices.speed, durations);
  const { minSteps, maxSteps } = schedule;
  if (minSteps > maxSteps) {
    throw conflict(
      "schedule.minSteps",
      `${minSteps}`,
      `at most schedule.maxSteps = ${maxSteps}`,
      "Lower schedule.minSteps or raise schedule.maxSteps.",
    );
  }
  if (training.localSteps !== undefined) return;
  throw conflict(
    "training.localEpochs",
    `${training.localEpochs}, with the schedule "arrival-groups"`,
    "training.localSteps instead",
    "The schedule sets each client's steps; training.localSteps says how many take devices.seconds.",
  );
}

function requireDevices(name: string, speed: string, durations: Clients["durations"]): void {
  if (durations !== undefined) return;
  throw conflict(
    "devices.speed",
    `"${speed}", with the schedule "${name}"`,
    '"equal", "exponential", "lognormal", "pareto", "list" or "trace"',
    "The schedule goes by simulated time, in simulations alone: set devices.speed.",
  );
}

/** Noise and masks belong to a cohort that is known when its round begins. */
function requireOpenUpdates({ privacy, secureAggregation, sampler }: Config, name: ScheduleName): void {
  const refuse = (key: string, value: string, advice: string) => {
    throw conflict(key, `${value}, with the schedule "${name}"`, '"none"', advice);
  };
  if (privacy.mechanism !== "none")
    refuse(
      "privacy.mechanism",
      `"${privacy.mechanism}"`,
      'No guarantee is proved where a client may be in a round twice. Set schedule.name = "synchronous".',
    );
  if (secureAggregation.protocol !== "none")
    refuse(
      "secureAggregation.protocol",
      `"${secureAggregation.protocol}"`,
      'A sum needs its cohort before the round. Set schedule.name = "synchronous".',
    );
  if (sampler.name !== "uniform")
    throw conflict(
      "sampler.name",
      `"${sampler.name}", with the schedule "${name}"`,
      '"uniform"',
      "An asynchronous run picks the clients that train itself.",
    );
}
