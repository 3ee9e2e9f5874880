import { hashVector, PRIVACY_RECORD, recordAfter, type Vector } from "@anabranch/core";
import { formatEpsilon } from "../terminal/round-line.ts";
import type { RoundFinished } from "./events.ts";
import type { RunHistory } from "./run-data.ts";

/** What rounds cost in privacy, as their events tell it. */
export type Spent = NonNullable<RoundFinished["privacy"]>;

/**
 * What all rounds of a run cost, and what its initial weights had cost before; undefined for a run that is not private. Where
 * the log lacks rounds before a resume, the figure of the resume counts them.
 */
export function spentBy({ start, rounds }: Pick<RunHistory, "start" | "rounds">): Spent | undefined {
  const last = rounds.at(-1);
  return last === undefined || last.round < (start?.resumedFrom ?? 0) ? start?.privacySpent : last.privacy;
}

/** `epsilon 7.95 at delta 0.001 (pld)`, and what it includes or leaves out; empty for a run that is not private. */
export function spentText(run: Pick<RunHistory, "start" | "rounds">): string {
  const spent = spentBy(run);
  if (spent === undefined) return "";
  return `epsilon ${formatEpsilon(spent.epsilon)} at delta ${spent.delta} (${spent.accountant})${scopeText(spent)}`;
}

/** What epsilon includes of initial weights, and what it leaves out; empty for random ones. */
export function scopeText({ before, covered }: Spent): string {
  const earlier = before === undefined ? "" : `; ${formatEpsilon(before)} before this run`;
  return earlier + (covered === false ? "; not covered: the data of its initial weights" : "");
}

/** A note on test metrics of clients' own examples in a private run; empty where there is nothing to note. */
export function testNote({ start }: Pick<RunHistory, "start">): string {
  return start?.testCovered === false ? "on clients' own examples, not covered by epsilon" : "";
}

/** What epsilon is for: `all rounds`, and those before where there are any. */
export function roundsText(run: Pick<RunHistory, "start" | "rounds">): string {
  return spentBy(run)?.before === undefined ? "all rounds" : "all rounds and those that made its initial weights";
}

/** How a guarantee came about: what was done, what it rests on, what the operator was warned of. */
export interface Grounds {
  readonly done: string | undefined;
  readonly assumptions: readonly string[];
  readonly warnings: readonly string[];
}

export function privacyGrounds({ start, warnings }: Pick<RunHistory, "start" | "warnings">): Grounds {
  const concerns = warnings.filter(({ code }) => code.startsWith("privacy/"));
  return {
    done: start?.privacy,
    assumptions: start?.privacyAssumptions ?? [],
    warnings: concerns.map(({ message }) => message),
  };
}

/** What epsilon does not cover, in every report of it. */
export const NOT_COVERED =
  "Epsilon is about the models of the rounds. Training losses, counts and evaluations on clients' own data in the run's other files are not covered, nor is a choice between several runs.";

/** A model of a run. */
interface OfRound {
  readonly parameters: Vector;
  /** After which round. */
  readonly round: number;
}

/**
 * What a model's file says about its privacy, as texts by key: nothing for a run that is not private, epsilon "none" where
 * nothing is guaranteed. Epsilon is that of all rounds of the run, for the model of an earlier round too: which round was
 * best was told by looking at all of them. The record is for a run that starts from the file. Nothing is said of a model
 * from after the last round that the log knows of.
 */
export function privacyMetadata(
  run: Pick<RunHistory, "start" | "rounds">,
  { parameters, round }: OfRound,
): Record<string, string> {
  const spent = spentBy(run);
  const known = Math.max(run.rounds.at(-1)?.round ?? 0, run.start?.resumedFrom ?? 0);
  if (spent === undefined || round > known) return {};
  const { epsilon, delta, accountant } = spent;
  const account = run.start?.privacyAccount;
  return {
    ...(account === undefined
      ? {}
      : { [PRIVACY_RECORD]: JSON.stringify(recordAfter(account, known, hashVector(Float32Array.from(parameters)))) }),
    epsilon: Number.isFinite(epsilon) ? String(epsilon) : "none",
    delta: String(delta),
    accountant,
    privacy: run.start?.privacy ?? "",
    privacyAssumptions: (run.start?.privacyAssumptions ?? []).join("; "),
  };
}
