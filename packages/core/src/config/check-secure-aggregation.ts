import { codedParameters } from "../privacy/secure-aggregation/parameters.ts";
import { checkUnused, conflict } from "./check.ts";
import { isDiscrete } from "./check-privacy.ts";
import type { Locate } from "./issues.ts";
import { type Config, USUAL_SHARE } from "./schema.ts";

/**
 * Refuses values with which secure aggregation would not work or would be misleading. Throws `config/conflict`; what a
 * method cannot do under secure aggregation is refused where the run is prepared.
 */
export function checkSecureAggregation(config: Config, locate: Locate): void {
  const { protocol, threshold, range, maxWeight, corrupted, dropped } = config.secureAggregation;
  const at = (key: string) => locate(["secureAggregation", key]);
  if (protocol === "none") {
    const advice =
      'The server would see every update: set secureAggregation.protocol = "bonawitz", or remove this key.';
    checkUnused(config, ["secureAggregation", "protocol"], {}, advice, locate);
    return;
  }
  const { cohort } = config.sampler;
  if (cohort < 2) {
    const received = `${cohort}, with secureAggregation.protocol = "${protocol}"`;
    throw conflict(
      locate(["sampler", "cohort"]),
      received,
      "at least 2",
      "The sum of a single update reveals that update.",
    );
  }
  for (const [key, share] of Object.entries({ corrupted, dropped })) {
    if (protocol === "secagg+" || share === USUAL_SHARE) continue;
    const received = `${share}, with secureAggregation.protocol = "${protocol}"`;
    throw conflict(at(key), received, "nothing", 'Only "secagg+" uses a communication graph: remove this key.');
  }
  const { mechanism } = config.privacy;
  if (isDiscrete(mechanism) && range !== 1) {
    const received = `${range}, with privacy.mechanism = "${mechanism}"`;
    throw conflict(
      at("range"),
      received,
      "nothing",
      "The clip norm and the modulus determine the grid: remove this key.",
    );
  }
  if (maxWeight !== undefined && config.aggregation.weighting === "uniform") {
    const received = `${maxWeight}, with aggregation.weighting = "uniform"`;
    throw conflict(
      at("maxWeight"),
      received,
      "nothing",
      "All updates have the same weight: remove secureAggregation.maxWeight.",
    );
  }
  if (corrupted + dropped >= 1) {
    const received = `${corrupted}, with secureAggregation.dropped = ${dropped}`;
    throw conflict(
      at("corrupted"),
      received,
      "fractions that add up to less than 1",
      "No honest client would remain to be protected.",
    );
  }
  if (threshold !== undefined) checkThreshold(config, threshold, at("threshold"));
}

function checkThreshold({ secureAggregation, sampler }: Config, threshold: number, where: string): void {
  const { protocol } = secureAggregation;
  const fixed = protocol === "bonawitz" || protocol === "lightsecagg";
  const { cohort } = sampler;
  if (!fixed || sampler.name !== "uniform") {
    throw conflict(
      where,
      `${threshold}, with secureAggregation.protocol = "${protocol}" and sampler.name = "${sampler.name}"`,
      "nothing",
      'Only "bonawitz" and "lightsecagg" with fixed-size cohorts accept a threshold.',
    );
  }
  const coded = protocol === "lightsecagg";
  const least = coded ? codedParameters(cohort).threshold : Math.floor(cohort / 2) + 1;
  if (threshold >= least && threshold <= cohort) return;
  throw conflict(
    where,
    `${threshold}, with sampler.cohort = ${cohort}`,
    `more than ${coded ? "3/4" : "half"} of the cohort and at most all, ${least} to ${cohort}`,
    coded
      ? "With fewer answers, half of the clients colluding with the server could unmask two sums of one round."
      : "With half of the answers or fewer, two different sums of one round could be unmasked.",
  );
}
