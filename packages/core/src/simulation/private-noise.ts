import { AnabranchError } from "@anabranch/engine";
import { conflict } from "../config/check.ts";
import { isDiscrete } from "../config/check-privacy.ts";
import type { Config } from "../config/index.ts";
import {
  boundText,
  calibrateNoise,
  createAccountant,
  groupEvents,
  type PrivacyEvent,
} from "../privacy/accounting/index.ts";
import type { Start } from "./initial-weights.ts";
import { eventsBefore, priorOf } from "./prior-privacy.ts";
import { type Released, roundEvents, unitOf } from "./private-account.ts";

/** Noise where a configuration names neither noise nor a target. */
const USUAL_NOISE = 1;

/**
 * The configured noise multiplier; the least that keeps all rounds, and what was spent on initial weights, within
 * `targetEpsilon` where only that is given. Throws `privacy/out-of-reach`, `privacy/unsupported` or `config/conflict`.
 */
export function noiseMultiplierOf(config: Config, released: Released, start?: Start): number {
  const { noiseMultiplier, targetEpsilon, delta, accountant } = config.privacy;
  if (noiseMultiplier !== undefined || targetEpsilon === undefined) return noiseMultiplier ?? USUAL_NOISE;
  const target = { accountant: createAccountant(accountant), targetEpsilon, delta };
  let before: readonly PrivacyEvent[] | undefined;
  const events = (noise: number) => {
    const own = groupEvents(roundEvents(config, released, noise, config.rounds));
    const about = { unit: unitOf(released), adjacency: own[0]!.adjacency, data: released.data };
    before ??= eventsBefore(priorOf(start, about), config, target.accountant);
    return [...before, ...own];
  };
  try {
    return calibrateNoise(target, events).noiseMultiplier;
  } catch (error) {
    if (!(error instanceof AnabranchError && error.code === "privacy/out-of-reach")) throw error;
    if (before !== undefined && before.length > 0) {
      throw spentBefore(targetEpsilon, target.accountant.epsilon(before, delta).epsilon);
    }
    // the finer the grid, the less rounding adds to what noise must cover; lightsecagg has a modulus of its own
    if (!isDiscrete(config.privacy.mechanism) || config.secureAggregation.protocol === "lightsecagg") throw error;
    const advice = `${error.failure.advice} Or raise secureAggregation.bits: rounding to a coarse grid costs privacy that noise cannot buy back.`;
    throw new AnabranchError({ ...error.failure, advice });
  }
}

function spentBefore(targetEpsilon: number, before: number): AnabranchError {
  return conflict(
    "privacy.targetEpsilon",
    `${targetEpsilon}, with model.initialWeights that have cost ${boundText(before)} already`,
    `more than ${boundText(before)}`,
    "Epsilon includes what was spent on the initial weights. Raise privacy.targetEpsilon, or start from random weights.",
  );
}
