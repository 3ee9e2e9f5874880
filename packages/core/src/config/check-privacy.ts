import { checkUnused, conflict } from "./check.ts";
import type { Locate } from "./issues.ts";
import type { Config } from "./schema.ts";

type Mechanism = Config["privacy"]["mechanism"];

/** Whether the noise is integer noise, which only integer sums can take. */
export function isDiscrete(mechanism: Mechanism): mechanism is "discrete-gaussian" | "skellam" {
  return mechanism === "discrete-gaussian" || mechanism === "skellam";
}

/**
 * Refuses values beside which privacy would be something else than it says. Throws `config/conflict`; what a method
 * cannot do privately is refused where the run is prepared.
 */
export function checkPrivacy(config: Config, locate: Locate): void {
  const at = (key: string) => locate(["privacy", key]);
  if (config.privacy.mechanism === "none") {
    // someone who sets a clip norm believes the run to be private
    const advice = 'The run would not be private: set privacy.mechanism = "gaussian", or remove this key.';
    checkUnused(config, ["privacy", "mechanism"], { noise: "central" }, advice, locate);
    return;
  }
  checkAggregation(config, locate);
  checkDiscrete(config, at);
  checkNoise(config, at);
  checkAdaptive(config, at);
  checkFailures(config, locate);
}

function checkFailures({ stop }: Config, locate: Locate): void {
  if (stop.onClientFailure === "continue") return;
  throw conflict(
    locate(["stop", "onClientFailure"]),
    `"${stop.onClientFailure}", with [privacy]`,
    '"continue"',
    "A run that stops at a failure reveals that this client took part, which epsilon does not cover.",
  );
}

function checkAggregation({ aggregation }: Config, locate: Locate): void {
  if (aggregation.weighting === "examples") {
    throw conflict(
      locate(["aggregation", "weighting"]),
      '"examples", with [privacy]',
      '"uniform"',
      "The noise is calibrated for updates of weight 1. Weights by examples are private and change the sensitivity.",
    );
  }
  if (aggregation.clipNorm > 0) {
    throw conflict(
      locate(["aggregation", "clipNorm"]),
      `${aggregation.clipNorm}, with [privacy]`,
      "0",
      "Set only privacy.clipNorm: the noise is calibrated to it.",
    );
  }
}

/** Clients add integer noise to integers; other noise is not accounted for where values are rounded. */
function checkDiscrete({ privacy, secureAggregation }: Config, at: (key: string) => string): void {
  const { mechanism, noise } = privacy;
  const { protocol } = secureAggregation;
  const summed = `"${mechanism}", with secureAggregation.protocol = "${protocol}"`;
  if (!isDiscrete(mechanism)) {
    if (protocol === "none") return;
    throw conflict(
      at("mechanism"),
      summed,
      '"discrete-gaussian" or "skellam"',
      "Rounding can push an update beyond the clip norm that Gaussian noise is calibrated to. Integer noise accounts for that.",
    );
  }
  if (protocol === "none") {
    throw conflict(
      at("mechanism"),
      summed,
      'secureAggregation.protocol = "bonawitz", "secagg+" or "lightsecagg"',
      "Each client adds a share of the noise, which protects only the sum: the server must not see single updates.",
    );
  }
  if (privacy.noiseMultiplier === 0) {
    const advice = 'For sums without noise and epsilon set privacy.mechanism = "none".';
    throw conflict(at("noiseMultiplier"), `0, with privacy.mechanism = "${mechanism}"`, "more than 0", advice);
  }
  if (noise !== "distributed") {
    throw conflict(
      at("noise"),
      `"${noise}", with privacy.mechanism = "${mechanism}"`,
      '"distributed"',
      "The sum already contains its noise when the server receives it: remove privacy.noise.",
    );
  }
}

function checkNoise({ privacy, sampler }: Config, at: (key: string) => string): void {
  const { noise, minimumSurvivors, noiseMultiplier, targetEpsilon } = privacy;
  if (noiseMultiplier === 0 && targetEpsilon !== undefined) {
    throw conflict(
      at("noiseMultiplier"),
      `0, with privacy.targetEpsilon = ${targetEpsilon}`,
      "more than 0, or nothing",
      "Without noise there is no epsilon. Remove the key to have it chosen for the target.",
    );
  }
  if (noise === "distributed" && minimumSurvivors === undefined) {
    throw conflict(
      at("minimumSurvivors"),
      'nothing, with privacy.noise = "distributed"',
      "a number of clients",
      "Noise shares are sized for the fewest surviving clients: set privacy.minimumSurvivors, e.g. to half the cohort.",
    );
  }
  if (minimumSurvivors === undefined) return;
  const received = `${minimumSurvivors}, with privacy.noise = "${noise}"`;
  if (noise !== "distributed") {
    throw conflict(at("minimumSurvivors"), received, "nothing", "Only distributed noise uses minimumSurvivors.");
  }
  if (minimumSurvivors > sampler.cohort) {
    throw conflict(
      at("minimumSurvivors"),
      `${minimumSurvivors}, with sampler.cohort = ${sampler.cohort}`,
      `at most ${sampler.cohort}`,
      "Most rounds would release nothing: lower privacy.minimumSurvivors.",
    );
  }
}

function checkAdaptive({ privacy, sampler }: Config, at: (key: string) => string): void {
  const { targetQuantile, countNoise, noise, clipping, noiseMultiplier } = privacy;
  if (targetQuantile === undefined) {
    if (countNoise === undefined) return;
    throw conflict(
      at("countNoise"),
      `${countNoise}, without privacy.targetQuantile`,
      "nothing",
      "Only an adaptive clip norm (privacy.targetQuantile) counts updates.",
    );
  }
  if (noise !== "central" || clipping !== "flat") {
    throw conflict(
      at("targetQuantile"),
      `${targetQuantile}, with privacy.noise = "${noise}" and privacy.clipping = "${clipping}"`,
      'noise = "central" and clipping = "flat"',
      "The server adds noise to the count of unclipped updates, and it counts whole updates.",
    );
  }
  const used = countNoise ?? sampler.cohort / 20;
  if (noiseMultiplier !== undefined && noiseMultiplier > 0 && 2 * used <= noiseMultiplier) {
    throw conflict(
      at("countNoise"),
      `${used}, with privacy.noiseMultiplier = ${noiseMultiplier}`,
      `above ${noiseMultiplier / 2}`,
      "The count alone would exceed the privacy cost of a round: raise privacy.countNoise or the cohort.",
    );
  }
}
