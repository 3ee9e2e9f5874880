import { UNKNOWN } from "../terminal/format.ts";
import type { Spread } from "./comparison.ts";
import { COSTS, MEASURES } from "./measures.ts";

/** Costs and diagnostics of groups of runs side by side; undefined where none is known. Rows of earlier versions have none. */
export function measuresTable(
  rows: readonly { readonly label: string; readonly measures?: Readonly<Record<string, Spread>> }[],
): { readonly heads: readonly string[]; readonly rows: readonly (readonly string[])[] } | undefined {
  const keys = Object.keys(MEASURES).filter((key) => rows.some(({ measures }) => measures?.[key] !== undefined));
  if (keys.length === 0) return undefined;
  return {
    heads: ["run", ...keys.map((key) => MEASURES[key]!.head)],
    rows: rows.map(({ label, measures }) => [label, ...keys.map((key) => spreadOf(key, measures?.[key]))]),
  };
}

function spreadOf(key: string, spread: Spread | undefined): string {
  if (spread === undefined || spread.mean === null) return UNKNOWN;
  const { format } = MEASURES[key]!;
  const { mean, deviation } = spread;
  return deviation === null || COSTS.has(key) ? format(mean) : `${format(mean)} ± ${format(deviation)}`;
}
