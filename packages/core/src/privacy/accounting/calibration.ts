import { AnabranchError } from "@anabranch/engine";
import type { Accountant, PrivacyContext, PrivacyStatement } from "./accountant.ts";
import { checkEpsilon } from "./checks.ts";
import { isSilent, type PrivacyEventInput } from "./events.ts";

/** A budget: epsilon at delta, as an accountant states it. */
export interface PrivacyTarget {
  readonly accountant: Accountant;
  readonly targetEpsilon: number;
  readonly delta: number;
  readonly context?: PrivacyContext;
}

/**
 * Relative width at which the search for a noise multiplier ends.
 *
 * @example
 * ```ts
 * import { NOISE_TOLERANCE } from "@anabranch/core";
 * NOISE_TOLERANCE; // => 0.0001
 * ```
 */
export const NOISE_TOLERANCE = 1e-4;

/** Noise multipliers are looked for between these. */
const LEAST_NOISE = 2 ** -10;
const MOST_NOISE = 2 ** 20;

/** Rounds are looked for up to here. */
const MOST_ROUNDS = 2 ** 26;

/**
 * The smallest noise multiplier that keeps events within a budget: epsilon falls as noise grows, so bisection (in the
 * logarithm) finds it; what is returned meets the target and is at most `NOISE_TOLERANCE` above the smallest, in parts of it.
 *
 * @param events everything that is released at a noise multiplier
 * @throws `privacy/out-of-reach` where no noise up to about a million is enough
 * @example
 * ```ts
 * import { calibrateNoise, rdpAccountant } from "@anabranch/core";
 * const target = { accountant: rdpAccountant(), targetEpsilon: 8, delta: 1e-3 };
 * const { noiseMultiplier } = calibrateNoise(target, (noise) => [
 *   { kind: "poisson-gaussian", noiseMultiplier: noise, samplingRate: 0.1, count: 10 },
 * ]);
 * noiseMultiplier; // => 0.54456
 * ```
 */
export function calibrateNoise(
  target: PrivacyTarget,
  events: (noiseMultiplier: number) => readonly PrivacyEventInput[],
): { readonly noiseMultiplier: number; readonly statement: PrivacyStatement } {
  checkTarget(target.targetEpsilon);
  const at = (noise: number) => target.accountant.epsilon(events(noise), target.delta, target.context);
  let noise = 1;
  let statement = at(noise);
  while (!isWithin(statement, target)) {
    if (noise >= MOST_NOISE) throw outOfReach(target, statement);
    noise *= 2;
    statement = at(noise);
  }
  let tooLittle = noise / 2;
  while (tooLittle >= LEAST_NOISE) {
    const less = at(tooLittle);
    if (!isWithin(less, target)) break;
    noise = tooLittle;
    statement = less;
    tooLittle /= 2;
  }
  while (noise / tooLittle > 1 + NOISE_TOLERANCE && noise > LEAST_NOISE) {
    const middle = Math.sqrt(noise * tooLittle);
    const found = at(middle);
    if (isWithin(found, target)) [noise, statement] = [middle, found];
    else tooLittle = middle;
  }
  if (noise > LEAST_NOISE) return { noiseMultiplier: noise, statement };
  return { noiseMultiplier: noise, statement: warned(statement, `less noise than ${LEAST_NOISE} was not tried`) };
}

/**
 * The most rounds within a budget, 0 if one is too many; `statement` is that of these rounds. Throws `privacy/no-noise`
 * for events without noise: no number of rounds has a target then.
 *
 * @param events everything that is released in a number of rounds, from 0 on
 * @example
 * ```ts
 * import { calibrateRounds, occurring, rdpAccountant } from "@anabranch/core";
 * const target = { accountant: rdpAccountant(), targetEpsilon: 8, delta: 1e-3 };
 * const event = { kind: "poisson-gaussian", noiseMultiplier: 1, samplingRate: 0.1 } as const;
 * calibrateRounds(target, (rounds) => (rounds === 0 ? [] : [occurring(event, rounds)])).rounds; // => 192
 * ```
 */
export function calibrateRounds(
  target: PrivacyTarget,
  events: (rounds: number) => readonly PrivacyEventInput[],
): { readonly rounds: number; readonly statement: PrivacyStatement } {
  checkTarget(target.targetEpsilon);
  if (events(1).some(isSilent)) throw noNoise(target.targetEpsilon);
  const at = (rounds: number) => target.accountant.epsilon(events(rounds), target.delta, target.context);
  let rounds = 0;
  let statement = at(0);
  let tooMany = 1;
  for (; tooMany <= MOST_ROUNDS; tooMany *= 2) {
    const more = at(tooMany);
    if (!isWithin(more, target)) break;
    rounds = tooMany;
    statement = more;
  }
  while (tooMany - rounds > 1 && rounds < MOST_ROUNDS) {
    const middle = Math.floor((rounds + tooMany) / 2);
    const found = at(middle);
    if (isWithin(found, target)) [rounds, statement] = [middle, found];
    else tooMany = middle;
  }
  if (rounds === 0) return { rounds, statement: warned(statement, "a single round costs more than the target") };
  if (rounds < MOST_ROUNDS) return { rounds, statement };
  return { rounds, statement: warned(statement, `more rounds than ${MOST_ROUNDS} were not tried`) };
}

function isWithin({ epsilon }: PrivacyStatement, { targetEpsilon }: PrivacyTarget): boolean {
  return epsilon <= targetEpsilon;
}

function warned(statement: PrivacyStatement, warning: string): PrivacyStatement {
  return { ...statement, warnings: [...statement.warnings, warning] };
}

function checkTarget(epsilon: number): void {
  checkEpsilon(epsilon);
  if (epsilon === 0) throw noNoise(epsilon);
}

function noNoise(epsilon: number): AnabranchError {
  return new AnabranchError({
    code: "privacy/no-noise",
    message: "a target epsilon needs noise: a noise multiplier above 0, and an epsilon above 0",
    received: epsilon === 0 ? "target epsilon 0" : "noise multiplier 0",
    expected: "a noise multiplier above 0 with a target epsilon above 0",
    advice: "Give both above 0: without noise nothing is guaranteed, and no noise guarantees epsilon 0.",
  });
}

function outOfReach(target: PrivacyTarget, statement: PrivacyStatement): AnabranchError {
  return new AnabranchError({
    code: "privacy/out-of-reach",
    message: `no noise multiplier up to ${MOST_NOISE} reaches the target epsilon`,
    received: `target epsilon ${target.targetEpsilon}; there epsilon is ${statement.epsilon}`,
    expected: "a target that noise can reach",
    advice: "Give a larger target epsilon, fewer rounds, or a smaller sampling rate.",
  });
}
