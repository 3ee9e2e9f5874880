export type CheckKind = "first derivative" | "second derivative" | "executor" | "jax-js";

/** Checks of one kind done so far in this process, with the worst relative error among them and the check it came from. */
export interface TallyEntry {
  readonly kind: CheckKind;
  readonly count: number;
  readonly worst: number;
  readonly where: string;
}

const entries = new Map<CheckKind, TallyEntry>();

/** Counts one check. */
export function record(kind: CheckKind, name: string, error: number): void {
  const { count, worst, where } = entries.get(kind) ?? { count: 0, worst: 0, where: name };
  const worse = error > worst;
  entries.set(kind, { kind, count: count + 1, worst: worse ? error : worst, where: worse ? name : where });
}

/**
 * What was checked so far, one entry for each kind.
 *
 * @example
 * ```ts
 * import { checkGradients, sample, tally } from "@anabranch/engine/testing";
 * import { tanh } from "@anabranch/engine";
 * checkGradients("tanh", ({ x }) => tanh(x!), { x: sample([4]) });
 * tally().map(({ kind }) => kind).includes("first derivative"); // => true
 * ```
 */
export function tally(): readonly TallyEntry[] {
  return [...entries.values()];
}

/**
 * One line for each kind of check: how many, and the worst error.
 *
 * @example
 * ```ts
 * import { checkGradients, formatTally, sample } from "@anabranch/engine/testing";
 * import { tanh } from "@anabranch/engine";
 * checkGradients("tanh", ({ x }) => tanh(x!), { x: sample([4]) });
 * formatTally().includes("first derivative"); // => true
 * ```
 */
export function formatTally(): string {
  return tally()
    .map(({ kind, count, worst, where }) => `${kind}: ${count} checks, worst ${worst.toExponential(1)} (${where})`)
    .join("\n");
}
