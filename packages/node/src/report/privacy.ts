import { formatEpsilon } from "../terminal/round-line.ts";
import type { RoundFinished } from "./events.ts";
import type { RunHistory } from "./run-data.ts";

/** What rounds cost in privacy, as their events tell it. */
export type Spent = NonNullable<RoundFinished["privacy"]>;

/** What all rounds of a run cost; undefined for a run that is not private. */
export function spentBy({ rounds }: Pick<RunHistory, "rounds">): Spent | undefined {
  return rounds.at(-1)?.privacy;
}

/** `epsilon 7.95 at delta 0.001 (pld)`; empty for a run that is not private. */
export function spentText(run: Pick<RunHistory, "rounds">): string {
  const spent = spentBy(run);
  if (spent === undefined) return "";
  return `epsilon ${formatEpsilon(spent.epsilon)} at delta ${spent.delta} (${spent.accountant})`;
}

/** How a guarantee came about: what was done, what it rests on, what the operator was warned of. */
export interface Grounds {
  readonly done: string | undefined;
  readonly assumptions: readonly string[];
  readonly warnings: readonly string[];
}

export function groundsOf({ start, warnings }: Pick<RunHistory, "start" | "warnings">): Grounds {
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

/**
 * What a model's file says about its privacy, as texts by key: nothing for a run that is not private, epsilon "none" where
 * nothing is guaranteed. Epsilon is that of all rounds of the run, for the model of an earlier round too: which round was
 * best was told by looking at all of them.
 */
export function privacyMetadata(run: Pick<RunHistory, "start" | "rounds">): Record<string, string> {
  const spent = spentBy(run);
  if (spent === undefined) return {};
  const { epsilon, delta, accountant } = spent;
  return {
    epsilon: Number.isFinite(epsilon) ? String(epsilon) : "none",
    delta: String(delta),
    accountant,
    privacy: run.start?.privacy ?? "",
    privacyAssumptions: (run.start?.privacyAssumptions ?? []).join("; "),
  };
}
