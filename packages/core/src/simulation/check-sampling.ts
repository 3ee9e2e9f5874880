import type { Algorithm } from "../algorithms/algorithm.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";

/** Refuses (`config/conflict`) what nodes that pick their cohorts themselves cannot do, and their sampler beside a server. */
export function requireSampling(config: Config, { name, sampling }: Algorithm): void {
  const { sampler, schedule, secureAggregation, devices } = config;
  const about = `with algorithm.name = "${name}"`;
  if (sampling === undefined) {
    if (sampler.name !== "hash") return;
    const advice = 'Only nodes without a server hash: set algorithm.name = "modest", or another sampler.';
    throw conflict("sampler.name", `"hash", ${about}`, '"uniform"', advice);
  }
  const { aggregators, successFraction } = sampling;
  if (sampler.name !== "hash")
    throw conflict("sampler.name", `"${sampler.name}", ${about}`, '"hash"', "Its nodes pick the cohort themselves.");
  if (aggregators > sampler.cohort)
    throw conflict(
      "algorithm.aggregators",
      `${aggregators}`,
      `at most sampler.cohort = ${sampler.cohort}`,
      "Aggregators are the first of the nodes that train.",
    );
  if (schedule.name !== undefined && schedule.name !== "synchronous")
    throw conflict(
      "schedule.name",
      `"${schedule.name}", ${about}`,
      '"synchronous"',
      "A round begins when aggregators have the models of the last one.",
    );
  if (schedule.keep !== undefined)
    throw conflict("schedule.keep", `${schedule.keep}, ${about}`, "nothing", "Set algorithm.successFraction.");
  if (successFraction < 1 && devices.speed === "none")
    throw conflict(
      "algorithm.successFraction",
      `${successFraction}, with devices.speed = "none"`,
      "1",
      'All models would arrive at once: set devices.speed, e.g. to "exponential".',
    );
  if (secureAggregation.protocol !== "none")
    throw conflict(
      "secureAggregation.protocol",
      `"${secureAggregation.protocol}", ${about}`,
      '"none"',
      "Several aggregators would each unmask a sum. Remove [secureAggregation].",
    );
}
