import { expect } from "vitest";
import { deriveKey, randomStream, rootKey } from "../../../random/index.ts";
import type { SecurePlan } from "../check-plan.ts";
import type { Curves } from "../curves.ts";
import type { StageName } from "../party.ts";
import { neighbourhoods } from "../plan.ts";
import { simulateRound } from "../simulate.ts";
import { openRound, plainSum } from "./rounds.ts";

export const PAIRWISE_STAGES: readonly StageName[] = ["advertise", "share", "mask", "consistency", "unmask"];
export const CODED_STAGES: readonly StageName[] = ["advertise", "share", "mask", "consistency", "recover"];

/** Where each client of the cohort drops out: the number of a stage, or the number of stages if it stays. */
export type Pattern = readonly number[];

/** Every way in which each client drops out at any stage or stays: (stages + 1)^clients patterns. */
export function* allPatterns(clients: number, stages: number, first: Pattern = []): Generator<Pattern> {
  if (first.length === clients) yield first;
  else for (let stage = 0; stage <= stages; stage++) yield* allPatterns(clients, stages, [...first, stage]);
}

/** Every set of clients that drop out at one and the same stage. */
export function* oneStagePatterns(clients: number, stages: number): Generator<Pattern> {
  for (let stage = 0; stage < stages; stage++) {
    for (let set = 1; set < 2 ** clients; set++) {
      yield Array.from({ length: clients }, (_, i) => ((set >> i) & 1 ? stage : stages));
    }
  }
}

/** One client in eight drops out, at a random stage. */
export function randomPattern(clients: number, stages: number): Pattern {
  const stream = randomStream(deriveKey(rootKey(clients), "pattern", stages));
  return Array.from({ length: clients }, () => (stream.below(8) === 0 ? stream.below(stages) : stages));
}

/**
 * Who should be in the sum, worked out from the rules alone: undefined where the round must end without one. A client
 * takes part in a stage if enough of its neighbourhood was there in the stage before.
 */
export function expectedSurvivors(plan: SecurePlan, pattern: Pattern): number[] | undefined {
  const stages = plan.protocol === "pairwise" ? PAIRWISE_STAGES : CODED_STAGES;
  const near = neighbourhoods(plan);
  const t = plan.threshold;
  const present: Set<number>[] = [new Set(plan.cohort)];
  for (let stage = 0; stage < stages.length; stage++) {
    const before = present[stage]!;
    const now = plan.cohort.filter((client, i) => {
      const enough = near.get(client)!.filter((other) => before.has(other)).length >= t;
      return before.has(client) && pattern[i]! > stage && enough;
    });
    if (now.length < t) return undefined;
    present.push(new Set(now));
  }
  const [, , sharers, survivors, , last] = present as Set<number>[];
  if (plan.protocol === "coded") return [...survivors!];
  for (const client of sharers!) {
    const others = near.get(client)!;
    const needed = survivors!.has(client) || others.some((other) => survivors!.has(other));
    if (needed && others.filter((other) => last!.has(other)).length < t) return undefined;
  }
  return [...survivors!];
}

/** Runs one round with a pattern and compares with the plain sum, or with a round that has to fail. */
export async function checkPattern(plan: SecurePlan, pattern: Pattern, curves: Curves): Promise<boolean> {
  const stages = plan.protocol === "pairwise" ? PAIRWISE_STAGES : CODED_STAGES;
  const { inputs, server, clients } = openRound(plan, curves);
  const dropOuts = new Map(
    plan.cohort.flatMap((client, i) => (pattern[i]! < stages.length ? [[client, stages[pattern[i]!]!]] : [])),
  );
  const outcome = await simulateRound({ ...plan, dropOuts }, { server, clients }, () => 0);
  const expected = expectedSurvivors(plan, pattern);
  const where = `pattern ${pattern.join(" ")}`;
  if (expected === undefined) {
    expect(outcome, where).toHaveProperty("failure");
    expect(outcome, where).not.toHaveProperty("sum");
    return false;
  }
  if (!("sum" in outcome)) throw new Error(`${where}: ${JSON.stringify(outcome.failure)}`);
  expect(outcome.survivors, where).toEqual(expected);
  expect([...outcome.sum], where).toEqual(plainSum(inputs, expected));
  return true;
}
