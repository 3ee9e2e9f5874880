import { conflict } from "./check.ts";
import { fieldAt } from "./fields.ts";
import { type Locate, show } from "./issues.ts";
import type { Config } from "./schema.ts";

/**
 * Refuses values beside which privacy would be something else than it says. Throws `config/conflict`; what a method
 * cannot do privately is refused where the run is prepared.
 */
export function checkPrivacy(config: Config, locate: Locate): void {
  const at = (key: string) => locate(["privacy", key]);
  if (config.privacy.mechanism === "none") {
    checkUnused(config, at);
    return;
  }
  checkAggregation(config, locate);
  checkNoise(config, at);
  checkAdaptive(config, at);
}

/** Someone who sets a clip norm believes the run to be private. */
function checkUnused({ privacy }: Config, at: (key: string) => string): void {
  for (const [key, value] of Object.entries(privacy)) {
    if (key === "mechanism" || value === undefined) continue;
    const usual = fieldAt(["privacy", key])!.defaultValue;
    if (value === usual) continue;
    throw conflict(
      at(key),
      `${show(value)}, with privacy.mechanism = "none"`,
      usual === undefined ? "nothing" : show(usual),
      'The run would not be private: set privacy.mechanism = "gaussian", or leave this key out.',
    );
  }
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
