import { boundText, type RunHistory, spentBy } from "@anabranch/core";
import { overlay, roundAxis } from "./cartesian.ts";
import { allRuns, type Chart, onlyRun } from "./chart.ts";

/** Epsilon over rounds: how a private run spends its budget. */
export const epsilonRounds: Chart = {
  id: "epsilon-rounds",
  title: "Epsilon",
  caption: (groups) => {
    const { delta } = allRuns(groups).flatMap(({ rounds }) => rounds.at(-1)?.privacy ?? [])[0]!;
    const at = onlyRun(groups) === undefined ? "at the delta of each run" : `at delta ${delta}`;
    return `Privacy loss of all rounds until then together, ${at}. Lower is more private.${scopeNote(allRuns(groups))}`;
  },
  plot: (groups) =>
    overlay(groups, ({ rounds }) => rounds.map(({ round, privacy }) => [round, plottedEpsilon(privacy)]), {
      x: roundAxis(groups),
      y: { label: "epsilon", min: 0 },
    }),
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

/** Rounded up to the five digits that a chart shows; NaN where a round says nothing or guarantees nothing. */
export function plottedEpsilon(privacy: { readonly epsilon: number | null } | undefined): number {
  return Number(boundText(privacy?.epsilon ?? Number.NaN, 5));
}
