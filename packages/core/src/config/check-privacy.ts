import { checkUnused, conflict } from "./check.ts";
import type { Locate } from "./issues.ts";
import type { Config } from "./schema.ts";

type Mechanism = Config["privacy"]["mechanism"];

/** Whether the noise is of whole numbers, which only sums of whole numbers can take. */
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
    const advice = 'The run would not be private: set privacy.mechanism = "gaussian", or leave this key out.';
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
    "A run that stops at a failure tells that this client took part, which epsilon does not cover.",
  );
}

function checkAggregation({ aggregation }: Config, locate: Locate): void {
  if (aggregation.weighting === "examples") {
    throw conflict(
      locate(["aggregation", "weighting"]),
      '"examples", with [privacy]',
      '"uniform"',
      "The noise is made for updates that all weigh 1; a weight by examples would be a secret and change the sensitivity.",
    );
  }
  if (aggregation.clipNorm > 0) {
    throw conflict(
      locate(["aggregation", "clipNorm"]),
      `${aggregation.clipNorm}, with [privacy]`,
      "0",
      "Set privacy.clipNorm alone: it is the bound that the noise is made for.",
    );
  }
}

/** Noise of whole numbers is added by clients to whole numbers; other noise is not accounted for where values are rounded. */
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
      "Rounded updates may be longer than the clip norm that Gaussian noise is accounted for; noise of whole numbers counts that in.",
    );
  }
  if (protocol === "none") {
    throw conflict(
      at("mechanism"),
      summed,
      'secureAggregation.protocol = "bonawitz", "secagg+" or "lightsecagg"',
      "Each client adds a share of the noise, which protects the sum alone: the server must not see the parts.",
    );
  }
  if (privacy.noiseMultiplier === 0) {
    const advice = 'Sums without noise and epsilon are those of privacy.mechanism = "none".';
    throw conflict(at("noiseMultiplier"), `0, with privacy.mechanism = "${mechanism}"`, "more than 0", advice);
  }
  if (noise !== "distributed") {
    throw conflict(
      at("noise"),
      `"${noise}", with privacy.mechanism = "${mechanism}"`,
      '"distributed"',
      "The sum carries its noise when the server gets it: leave privacy.noise out.",
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
      "Without noise there is no epsilon. Left out, the multiplier is chosen for the target.",
    );
  }
  if (noise === "distributed" && minimumSurvivors === undefined) {
    throw conflict(
      at("minimumSurvivors"),
      'nothing, with privacy.noise = "distributed"',
      "a number of clients",
      "Shares are made for the fewest clients that may be left: set privacy.minimumSurvivors, e.g. to half the cohort.",
    );
  }
  if (minimumSurvivors === undefined) return;
  const received = `${minimumSurvivors}, with privacy.noise = "${noise}"`;
  if (noise !== "distributed") {
    throw conflict(at("minimumSurvivors"), received, "nothing", "Only distributed noise needs survivors.");
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
      "Nothing is counted where the clip norm is fixed.",
    );
  }
  if (noise !== "central" || clipping !== "flat") {
    throw conflict(
      at("targetQuantile"),
      `${targetQuantile}, with privacy.noise = "${noise}" and privacy.clipping = "${clipping}"`,
      'noise = "central" and clipping = "flat"',
      "The count of unclipped updates is noised by the server, and counts whole updates.",
    );
  }
  const used = countNoise ?? sampler.cohort / 20;
  if (noiseMultiplier !== undefined && noiseMultiplier > 0 && 2 * used <= noiseMultiplier) {
    throw conflict(
      at("countNoise"),
      `${used}, with privacy.noiseMultiplier = ${noiseMultiplier}`,
      `above ${noiseMultiplier / 2}`,
      "The count alone would cost more privacy than a round may: raise privacy.countNoise, or the cohort.",
    );
  }
}
