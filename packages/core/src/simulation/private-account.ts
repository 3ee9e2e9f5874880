import { AnabranchError } from "@anabranch/engine";
import { conflict } from "../config/check.ts";
import { isDiscrete } from "../config/check-privacy.ts";
import type { Config } from "../config/index.ts";
import {
  type Accountant,
  boundText,
  calibrateNoise,
  createAccountant,
  type PrivacyContext,
  type PrivacyEventInput,
} from "../privacy/accounting/index.ts";
import { privacyEventOf } from "../privacy/integers/index.ts";
import type { PrivacyAccount } from "../round/run-plan.ts";
import { configuredDiscrete } from "./secure-run.ts";

/** What a release is of. */
export interface Released {
  /** Clients. */
  readonly population: number;
  /** Elements of an update. */
  readonly size: number;
  /** All records of all clients where those are protected; absent: whole clients are. */
  readonly records?: number | undefined;
}

/** Noise where a configuration names neither noise nor a target. */
const USUAL_NOISE = 1;

/**
 * What `rounds` rounds of a configured run release, as an accountant wants it: what neighbours are, and how far they move
 * a sum of updates of norm at most C.
 *
 *   noise of         sampler   neighbours      moves   why
 *   central          poisson   add-or-remove   C       cohorts are secret; the update is in the sum or not
 *   central          uniform   replace-one     2 C     a client left out gives its place to another (all clients: as well)
 *   distributed      any       zero-out        C       the server knows the cohort; the client and its noise stay
 *   local            any       replace-one     2 C     the server sees each message, which is there whatever its data
 *   any, of records  any       replace-one     2 C/n   a client's mean over at least n records changes in one of them
 *
 * Only sampling that is secret amplifies: with noise of the clients' own every round counts as if all had taken part. Nor
 * does sampling whole clients hide a record, as the other records of its client may tell that it was there.
 */
export function roundEvents(
  config: Config,
  { population, size, records }: Released,
  noiseMultiplier: number,
  rounds: number,
): PrivacyEventInput[] {
  const { privacy, sampler } = config;
  if (rounds === 0) return [];
  if (isDiscrete(privacy.mechanism)) {
    const mechanism = configuredDiscrete(config, population, size, noiseMultiplier);
    return [{ ...privacyEventOf(mechanism), count: rounds }];
  }
  if (records !== undefined || privacy.noise === "local") {
    return [{ kind: "gaussian", noiseMultiplier, adjacency: "replace-one", count: rounds }];
  }
  const { cohort } = sampler;
  const event: PrivacyEventInput =
    privacy.noise !== "central"
      ? { kind: "gaussian", noiseMultiplier, adjacency: "zero-out", count: rounds }
      : sampler.name === "poisson"
        ? { kind: "poisson-gaussian", samplingRate: cohort / population, noiseMultiplier, count: rounds }
        : { kind: "fixed-size-gaussian", population, cohort, noiseMultiplier, count: rounds };
  return [event];
}

/**
 * The configured noise multiplier; the least that keeps all rounds within `targetEpsilon` where only that is given.
 * Throws `privacy/out-of-reach` or `privacy/unsupported`.
 */
export function noiseMultiplierOf(config: Config, released: Released): number {
  const { noiseMultiplier, targetEpsilon, delta, accountant } = config.privacy;
  if (noiseMultiplier !== undefined || targetEpsilon === undefined) return noiseMultiplier ?? USUAL_NOISE;
  const target = { accountant: createAccountant(accountant), targetEpsilon, delta };
  try {
    return calibrateNoise(target, (noise) => roundEvents(config, released, noise, config.rounds)).noiseMultiplier;
  } catch (error) {
    // the finer the grid, the less rounding adds to what noise must cover; lightsecagg has a modulus of its own
    const rounded = isDiscrete(config.privacy.mechanism) && config.secureAggregation.protocol !== "lightsecagg";
    if (!(rounded && error instanceof AnabranchError && error.failure.code === "privacy/out-of-reach")) throw error;
    const advice = `${error.failure.advice} Or raise secureAggregation.bits: rounding to a coarse grid costs privacy that noise cannot buy back.`;
    throw new AnabranchError({ ...error.failure, advice });
  }
}

/**
 * The account of a private run: a function of the rounds done and the configuration, so that a resumed run continues it.
 * Throws `privacy/unsupported` for a sampling that the accountant has no formula for, and `config/conflict` where not even
 * one round is within the target.
 */
export function accountOf(config: Config, released: Released, noiseMultiplier: number): PrivacyAccount {
  const { delta, targetEpsilon, noise } = config.privacy;
  const accountant = createAccountant(config.privacy.accountant);
  const { population, records } = released;
  const context: PrivacyContext = {
    population: records ?? population,
    unit: records === undefined ? "clients" : "records",
    noise,
  };
  const after = (rounds: number) =>
    accountant.epsilon(roundEvents(config, released, noiseMultiplier, rounds), delta, context);
  // A run asks twice of every round: whether it fits, and what it cost.
  const known = new Map<number, number>();
  const epsilonAfter = (rounds: number) => {
    const epsilon = known.get(rounds) ?? after(rounds).epsilon;
    known.set(rounds, epsilon);
    return epsilon;
  };
  requireOneRound(config, epsilonAfter(1), accountant);
  const { assumptions, warnings } = after(config.rounds);
  return {
    accountant: accountant.name,
    delta,
    targetEpsilon,
    epsilonAfter,
    assumptions,
    warnings,
  };
}

function requireOneRound({ privacy }: Config, first: number, { name }: Accountant): void {
  if (privacy.targetEpsilon === undefined || first <= privacy.targetEpsilon) return;
  throw conflict(
    "privacy.targetEpsilon",
    `${privacy.targetEpsilon}, with privacy.noiseMultiplier = ${privacy.noiseMultiplier}`,
    `at least ${boundText(first)}, which one round costs (${name}, delta ${privacy.delta})`,
    "Leave privacy.noiseMultiplier out: it is then chosen for the target and the number of rounds.",
  );
}
