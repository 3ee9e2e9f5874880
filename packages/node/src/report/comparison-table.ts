import { formatBytes, formatCount, formatPercent, formatPlural, UNKNOWN } from "../terminal/format.ts";
import type { Comparison, ComparisonRow, Spread } from "./comparison.ts";
import type { RunEnd } from "./run-end.ts";

/** The table of a comparison as texts: the first two columns are words, the others metrics. */
export interface ComparisonTable {
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Sentences that say what the columns mean. */
  readonly notes: readonly string[];
}

/** @param givenTarget whether the target was asked for, and not found among the runs */
export function comparisonTable({ target, atRound, rows }: Comparison, givenTarget: boolean): ComparisonTable {
  const share = target === null ? "target" : formatPercent(target, Number(target.toFixed(3)) === target ? 1 : 2);
  const accuracy = atRound === null ? "accuracy" : `accuracy at round ${atRound}`;
  const origin = givenTarget
    ? ""
    : `${share} is the highest accuracy that every run reaches, but for those that diverged or failed. `;
  const severalSeeds = rows.some(({ seeds }) => seeds.length > 1);
  return {
    heads: [
      "run",
      "seeds",
      accuracy,
      "recent",
      "best",
      `rounds to ${share}`,
      `up to ${share}`,
      `gradients to ${share}`,
    ],
    rows: rows.map((row) => [
      row.label,
      row.seeds.map((seed) => (Number.isFinite(seed) ? String(seed) : UNKNOWN)).join(" "),
      spreadText(row.accuracy),
      spreadText(row.recentAccuracy),
      spreadText(row.bestAccuracy),
      ...costTexts(row),
    ]),
    notes: [
      ...(severalSeeds ? ["Mean ± sample standard deviation over the seeds, in percent of the test set."] : []),
      "Recent: mean of the last three evaluations. Gradients: of a mini-batch, over all clients.",
      ...(target === null ? [] : [`${origin}Costs are means over the runs that reach it, with how many do.`]),
    ],
  };
}

const ENDS: Readonly<Record<Exclude<RunEnd, "finished">, string>> = {
  diverged: "diverged",
  failed: "failed",
  interrupted: "not finished",
};

/** Sentences on rows whose metrics are not all of whole runs. */
export function endNotes(rows: readonly { readonly label: string; readonly ends: readonly RunEnd[] }[]): string[] {
  return rows.flatMap(({ label, ends }) => {
    const counts = Object.entries(ENDS).flatMap(([end, text]) => {
      const count = ends.filter((one) => one === end).length;
      return count === 0 ? [] : [`${count} of ${formatPlural(ends.length, "run")} ${text}`];
    });
    return counts.length === 0
      ? []
      : [`${label}: ${counts.join(", ")}; its metrics are those of where each run ended.`];
  });
}

/** `71.23 ± 0.41 %`. */
export function spreadText({ mean, deviation }: Spread): string {
  if (mean === null) return UNKNOWN;
  return deviation === null ? formatPercent(mean) : `${(mean * 100).toFixed(2)} ± ${formatPercent(deviation)}`;
}

function costTexts({ toTarget: { reached, rounds, bytesUp, gradients }, seeds }: ComparisonRow): string[] {
  const how = ` (${reached}/${seeds.length})`;
  const text = (value: number | null, format: (value: number) => string) => (value === null ? UNKNOWN : format(value));
  const oneDigit = (value: number) => (Number.isInteger(value) ? formatCount(value) : value.toFixed(1));
  return [text(rounds, oneDigit) + how, text(bytesUp, formatBytes), text(gradients, formatCount)];
}
