import { allocationBlock, conflict } from "../config/check.ts";
import { isDiscrete } from "../config/check-privacy.ts";
import type { Config } from "../config/index.ts";
import {
  type Accountant,
  boundText,
  createAccountant,
  groupEvents,
  occurring,
  type PrivacyContext,
  type PrivacyEvent,
  type PrivacyEventInput,
} from "../privacy/accounting/index.ts";
import { privacyEventOf } from "../privacy/integers/index.ts";
import type { PrivacyAccount } from "../round/run-plan.ts";
import type { Start } from "./initial-weights.ts";
import { eventsBefore, priorOf } from "./prior-privacy.ts";
import { configuredDiscrete } from "./secure-aggregation.ts";

/** What a release is of. */
export interface Released {
  /** Clients. */
  readonly population: number;
  /** Elements of an update. */
  readonly size: number;
  /** All records of all clients where those are protected; absent: whole clients are. */
  readonly records?: number | undefined;
  /** Hash of the data and their partition. */
  readonly data: string;
}

/**
 * What `rounds` rounds of a configured run release, as an accountant wants it: what neighbours are, and how far they move
 * a sum of updates of norm at most C.
 *
 *   noise of         sampler   neighbours      moves   why
 *   central          poisson   add-or-remove   C       cohorts are secret; the update is in the sum or not
 *   central          random-   add-or-remove   C       the same; a client is in one sum of each block at most
 *                    allocation
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
  { population, size, records }: Omit<Released, "data">,
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
      ? { kind: "gaussian", noiseMultiplier, adjacency: "zero-out" }
      : centralEvent(sampler.name, population, cohort, noiseMultiplier);
  return [occurring(event, rounds)];
}

/** One round with noise of the server. */
function centralEvent(
  name: Config["sampler"]["name"],
  population: number,
  cohort: number,
  noiseMultiplier: number,
): PrivacyEventInput {
  if (name === "poisson") return { kind: "poisson-gaussian", samplingRate: cohort / population, noiseMultiplier };
  if (name === "uniform") return { kind: "fixed-size-gaussian", population, cohort, noiseMultiplier };
  return { kind: "allocated-gaussian", block: blockOf(cohort, population), noiseMultiplier };
}

/** Rounds of a block of random allocation. Throws `config/conflict` where clients / cohort is no integer. */
export function blockOf(cohort: number, clients: number): number {
  const block = allocationBlock(cohort, clients);
  if (block !== undefined) return block;
  throw conflict(
    "sampler.cohort",
    `${cohort}, with sampler.name = "random-allocation" and ${clients} clients`,
    "the number of clients divided by an integer",
    "The data have another number of clients than data.clients: set sampler.cohort for it.",
  );
}

/** What is protected. */
export function unitOf({ records }: Released): NonNullable<PrivacyContext["unit"]> {
  return records === undefined ? "clients" : "records";
}

/**
 * The account of a private run: a function of the rounds done, the configuration and what was spent on initial weights, so
 * that a resumed run continues it. Throws `privacy/unsupported` for a sampling that the accountant has no formula for, and
 * `config/conflict` where not even one round is within the target.
 */
export function accountOf(config: Config, released: Released, noiseMultiplier: number, start?: Start): PrivacyAccount {
  const { delta, targetEpsilon, noise } = config.privacy;
  const accountant = createAccountant(config.privacy.accountant);
  const round = groupEvents(roundEvents(config, released, noiseMultiplier, 1));
  const unit = unitOf(released);
  const prior = priorOf(start, { unit, adjacency: round[0]!.adjacency, data: released.data });
  const before = eventsBefore(prior, config, accountant);
  const population = released.records ?? released.population;
  const smallest = prior.runs.reduce((least, run) => Math.min(least, run.population), population);
  const context: PrivacyContext = { population: smallest, unit, noise };
  const own = (rounds: number) =>
    accountant.epsilon(roundEvents(config, released, noiseMultiplier, rounds), delta, context);
  const epsilonAfter = remembered(round[0]!, (rounds) => {
    const least = own(rounds).epsilon;
    if (before.length === 0) return least;
    const all = [...before, ...roundEvents(config, released, noiseMultiplier, rounds)];
    // a file's word on earlier runs can add to what this run's own rounds cost, and never take away
    return atLeast(least, accountant.epsilon(all, delta, context).epsilon);
  });
  requireOneRound(config, epsilonAfter, accountant, before.length > 0);
  const { assumptions, warnings } = own(config.rounds);
  return {
    accountant: accountant.name,
    delta,
    targetEpsilon,
    epsilonAfter,
    recorded: {
      unit,
      covered: prior.covered,
      before: [...prior.runs],
      round: { rounds: 1, noise, population, data: released.data, events: round },
    },
    assumptions: [...new Set([...assumptions, ...prior.assumptions])],
    warnings: [...warnings.map((message) => ({ code: "privacy/guarantee", message })), ...prior.warnings],
  };
}

/** A run asks twice of every round: whether it fits, and what it cost. */
function remembered(event: PrivacyEvent, answer: (rounds: number) => number): (rounds: number) => number {
  const known = new Map<number, number>();
  return (rounds) => {
    const times = rounds === 0 ? 0 : occurring(event, rounds).count!;
    const value = known.get(times) ?? answer(rounds);
    known.set(times, value);
    return value;
  };
}

/** The larger one; a value that is none counts as infinite. */
function atLeast(least: number, value: number): number {
  return Number.isNaN(value) ? Number.POSITIVE_INFINITY : Math.max(least, value);
}

function requireOneRound(
  { privacy }: Config,
  epsilonAfter: (rounds: number) => number,
  { name }: Accountant,
  continued: boolean,
): void {
  const { targetEpsilon, noiseMultiplier, delta } = privacy;
  const first = epsilonAfter(1);
  if (targetEpsilon === undefined || first <= targetEpsilon) return;
  const spent = continued ? `${boundText(epsilonAfter(0))} on the initial weights and ` : "";
  throw conflict(
    "privacy.targetEpsilon",
    `${targetEpsilon}, with privacy.noiseMultiplier = ${noiseMultiplier}`,
    `at least ${boundText(first)}, which ${spent === "" ? "" : `is ${spent}`}one round costs (${name}, delta ${delta})`,
    "Leave privacy.noiseMultiplier out: it is then chosen for the target and the number of rounds.",
  );
}
