import { type RunHistory, spentBy } from "@anabranch/core";
import { lastRound, overlay, xAxis, yAxis } from "./cartesian.ts";
import type { Chart } from "./chart.ts";

/** Epsilon over rounds: how a private run spends its budget. */
export const epsilonRounds: Chart = {
  id: "epsilon-rounds",
  title: "Epsilon",
  caption: (runs) => {
    const { delta } = runs.flatMap(({ rounds }) => rounds.at(-1)?.privacy ?? [])[0]!;
    const at = runs.length === 1 ? `at delta ${delta}` : "at the delta of each run";
    return `Privacy loss of all rounds until then together, ${at}. Lower is more private.${scopeNote(runs)}`;
  },
  option(runs) {
    const curves = runs.map(({ rounds }) =>
      rounds.map(({ round, privacy }) => [round, plottedEpsilon(privacy)] as const),
    );
    if (!curves.flat().some(([, epsilon]) => Number.isFinite(epsilon))) return undefined;
    return overlay(runs, curves, {
      xAxis: xAxis("round", { min: 0, max: lastRound(runs) }),
      yAxis: yAxis("epsilon", { min: 0 }),
    });
  },
};

/** What epsilon includes of initial weights, and what it does not cover. */
export function scopeNote(runs: readonly RunHistory[]): string {
  const spent = runs.flatMap((run) => spentBy(run) ?? []);
  const earlier = spent.some(({ before }) => before !== undefined);
  const open = spent.some(({ covered }) => covered === false);
  return [
    ...(earlier ? [" Rounds that made initial weights are included."] : []),
    ...(open ? [" The data of initial weights without a record are not covered."] : []),
  ].join("");
}

/** NaN where a round says nothing or guarantees nothing. */
export function plottedEpsilon(privacy: { readonly epsilon: number | null } | undefined): number {
  return privacy?.epsilon ?? Number.NaN;
}
