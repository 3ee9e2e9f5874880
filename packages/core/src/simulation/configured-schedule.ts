import type { Algorithm, Payloads } from "../algorithms/algorithm.ts";
import { type OrderDuration, orderDurations } from "../clock/index.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import { capabilitiesOf, requireCapable } from "../pipeline/index.ts";
import { buffered, type Schedule, synchronous } from "../schedule/index.ts";

/** Updates of a round where neither the configuration nor the method says how many. */
export const USUAL_BUFFER = 10;

/** The schedule of a configuration for its method. Throws `config/conflict` for what is not proved for asynchronous runs. */
export function configuredSchedule(
  config: Config,
  algorithm: Algorithm,
  payloads: Payloads,
  population: number,
): Schedule {
  const { schedule } = config;
  const name = schedule.name ?? (algorithm.buffer === undefined ? "synchronous" : "buffered");
  if (name === "synchronous") return synchronous;
  requireCapable("schedule.name", '"buffered"', capabilitiesOf(algorithm, payloads));
  requireOpenUpdates(config);
  const concurrency = schedule.concurrency ?? Math.ceil(config.sampler.cohort);
  if (concurrency > population) {
    const advice = "A client trains one thing at a time: lower schedule.concurrency or raise data.clients.";
    throw conflict("schedule.concurrency", `${concurrency}`, `at most data.clients = ${population}`, advice);
  }
  return buffered({
    buffer: schedule.buffer ?? algorithm.buffer ?? USUAL_BUFFER,
    concurrency,
    staleness: {
      form: schedule.staleness,
      rate: schedule.stalenessRate,
      grace: schedule.stalenessGrace,
      most: schedule.maxStaleness,
    },
  });
}

/** How long simulated clients take; undefined: no time. */
export function configuredDurations({ devices, seed }: Config): OrderDuration | undefined {
  const { speed, ...settings } = devices;
  return speed === "none" ? undefined : orderDurations({ speed, ...settings }, seed);
}

/** Noise and masks belong to a cohort that is known when its round begins. */
function requireOpenUpdates({ privacy, secureAggregation, sampler }: Config): void {
  const refuse = (key: string, value: string, advice: string) => {
    throw conflict(key, `${value}, with the schedule "buffered"`, '"none"', advice);
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
      `"${sampler.name}", with the schedule "buffered"`,
      '"uniform"',
      "An asynchronous run keeps a fixed number of clients training.",
    );
}
