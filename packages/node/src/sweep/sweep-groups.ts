import type { RunGroup } from "../report/comparison.ts";
import type { CaseResult } from "./execute.ts";
import { describeValues, type Values } from "./values.ts";

/**
 * The rows of a sweep as methods in settings. Grid keys that all variants share make the setting; a variant's own grid keys
 * belong to its method. Of a single variant only the data make settings: its other grid points are what is compared.
 */
export function sweepGroups(cases: readonly CaseResult[]): RunGroup[] {
  const variants = Map.groupBy(cases, ({ case: { variant } }) => variant);
  const shared = [...variants.values()].map((same) => new Set(same.flatMap(({ case: { grid } }) => Object.keys(grid))));
  const isSetting = (key: string) =>
    shared.every((keys) => keys.has(key)) && (variants.size > 1 || key.startsWith("data."));
  return cases.map(({ case: { variant, grid }, outcomes }) => {
    const part = (wanted: boolean): Values =>
      Object.fromEntries(Object.entries(grid).filter(([key]) => isSetting(key) === wanted));
    return {
      method: [variant, describeValues(part(false))].filter((text) => text !== "").join(", "),
      setting: describeValues(part(true)),
      runs: outcomes.flatMap(({ data }) => data ?? []),
    };
  });
}
