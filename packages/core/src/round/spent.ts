import { boundText } from "../privacy/accounting/bound-text.ts";
import type { LenientEventOf } from "./lenient-events.ts";
import type { RunHistory } from "./run-history.ts";

/** What rounds cost in privacy, as their events report it. */
export type Spent = NonNullable<LenientEventOf<"round.finished">["privacy"]>;

/**
 * What all rounds of a run cost, and what its initial weights had cost before; undefined for a run that is not private. Where
 * the log lacks rounds before a resume, the figure of the resume counts them.
 *
 * @example
 * ```ts
 * import { spentBy } from "@anabranch/core";
 * spentBy({ start: undefined, rounds: [] }); // => undefined
 * ```
 */
export function spentBy({ start, rounds }: Pick<RunHistory, "start" | "rounds">): Spent | undefined {
  const last = rounds.at(-1);
  return last === undefined || last.round < (start?.resumedFrom ?? 0) ? start?.privacySpent : last.privacy;
}

/**
 * `epsilon 7.95 at delta 0.001 (pld)`, and what it includes or leaves out; empty for a run that is not private.
 *
 * @example
 * ```ts
 * import { spentText } from "@anabranch/core";
 * spentText({ start: undefined, rounds: [] }); // => ""
 * ```
 */
export function spentText(run: Pick<RunHistory, "start" | "rounds">): string {
  const spent = spentBy(run);
  if (spent === undefined) return "";
  return `epsilon ${formatEpsilon(spent.epsilon)} at delta ${spent.delta} (${spent.accountant})${scopeText(spent)}`;
}

/**
 * What epsilon includes of initial weights, and what it leaves out; empty for random ones.
 *
 * @example
 * ```ts
 * import { scopeText } from "@anabranch/core";
 * scopeText({ covered: false }); // => "; not covered: the data of its initial weights"
 * ```
 */
export function scopeText({ before, covered }: Pick<Spent, "before" | "covered">): string {
  const earlier = before === undefined ? "" : `; ${formatEpsilon(before)} before this run`;
  return earlier + (covered === false ? "; not covered: the data of its initial weights" : "");
}

/**
 * A note on test metrics of clients' own examples in a private run; empty where there is nothing to note.
 *
 * @example
 * ```ts
 * import { testNote } from "@anabranch/core";
 * testNote({ start: undefined }); // => ""
 * ```
 */
export function testNote({ start }: Pick<RunHistory, "start">): string {
  return start?.testCovered === false ? "on clients' own examples, not covered by epsilon" : "";
}

/**
 * Rounded up; "none" where nothing is guaranteed.
 *
 * @example
 * ```ts
 * import { formatEpsilon } from "@anabranch/core";
 * formatEpsilon(7.9461); // => "7.947"
 * formatEpsilon(null); // => "none"
 * ```
 */
export function formatEpsilon(epsilon: number | null): string {
  return boundText(epsilon ?? Number.NaN);
}
