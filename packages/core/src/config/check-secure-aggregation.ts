import { codedParameters } from "../privacy/secure-aggregation/parameters.ts";
import { checkUnused, conflict } from "./check.ts";
import { isDiscrete } from "./check-privacy.ts";
import type { Locate } from "./issues.ts";
import { type Config, USUAL_SHARE } from "./schema.ts";

/**
 * Refuses values with which secure aggregation would not work, or not mean what it says. Throws `config/conflict`; what a method
 * cannot do under masks is refused where the run is prepared.
 */
export function checkSecureAggregation(config: Config, locate: Locate): void {
  const { protocol, threshold, range, maxWeight, corrupted, dropped } = config.secureAggregation;
  const at = (key: string) => locate(["secureAggregation", key]);
  if (protocol === "none") {
    const advice =
      'The server would see every update: set secureAggregation.protocol = "bonawitz", or leave this key out.';
    checkUnused(config, ["secureAggregation", "protocol"], {}, advice, locate);
    return;
  }
  const { cohort } = config.sampler;
  if (cohort < 2) {
    const received = `${cohort}, with secureAggregation.protocol = "${protocol}"`;
    throw conflict(locate(["sampler", "cohort"]), received, "at least 2", "The sum of one update is that update.");
  }
  for (const [key, share] of Object.entries({ corrupted, dropped })) {
    if (protocol === "secagg+" || share === USUAL_SHARE) continue;
    const received = `${share}, with secureAggregation.protocol = "${protocol}"`;
    throw conflict(at(key), received, "nothing", 'Only "secagg+" lays a graph out: leave this key out.');
  }
  const { mechanism } = config.privacy;
  if (isDiscrete(mechanism) && range !== 1) {
    const received = `${range}, with privacy.mechanism = "${mechanism}"`;
    throw conflict(at("range"), received, "nothing", "The clip norm and the modulus say how fine the grid is.");
  }
  if (maxWeight !== undefined && config.aggregation.weighting === "uniform") {
    const received = `${maxWeight}, with aggregation.weighting = "uniform"`;
    throw conflict(
      at("maxWeight"),
      received,
      "nothing",
      "All updates weigh the same: leave secureAggregation.maxWeight out.",
    );
  }
  if (corrupted + dropped >= 1) {
    const received = `${corrupted}, with secureAggregation.dropped = ${dropped}`;
    throw conflict(
      at("corrupted"),
      received,
      "shares that add up to less than 1",
      "Nobody would be left to be protected.",
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
      'Only "bonawitz" and "lightsecagg" with cohorts of a fixed size take a threshold of their own.',
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
      ? "With fewer answers half of the clients, colluding with the server, could have two sums of one round unmasked."
      : "With half of the answers or fewer two different sums of one round could be unmasked.",
  );
}
