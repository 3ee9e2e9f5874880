import { hashVector, PRIVACY_RECORD, type RunHistory, recordAfter, spentBy, type Vector } from "@anabranch/core";

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
