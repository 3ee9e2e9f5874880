import { formatBytes, formatCount, formatPercent, formatPlural, formatSeconds, UNKNOWN } from "../terminal/format.ts";
import type { Comparison, ComparisonRow, Spread } from "./comparison.ts";
import { LEVEL, type PairedDifference } from "./paired-difference.ts";
import type { RunEnd } from "./run-end.ts";
import { studentT } from "./student-t.ts";

/** The table of a comparison as texts: the first two columns are words, the others metrics. */
export interface ComparisonTable {
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Sentences that say what the columns mean. */
  readonly notes: readonly string[];
}

/** A column of the table: its head and its text for a row. */
type Column = readonly [head: string, text: (row: ComparisonRow) => string];

/** @param givenTarget whether the target was asked for, and not found among the runs */
export function comparisonTable(comparison: Comparison, givenTarget: boolean): ComparisonTable {
  const { target, atRound } = comparison;
  const rows = rowsBySetting(comparison);
  const compared = rows.some(({ difference }) => difference !== null);
  const columns: Column[] = [
    ["run", ({ label }) => label],
    ["seeds", ({ seeds }) => seeds.map((seed) => (Number.isFinite(seed) ? String(seed) : UNKNOWN)).join(" ")],
    [atRound === null ? "accuracy" : `accuracy at round ${atRound}`, ({ accuracy }) => spreadText(accuracy)],
    ...(compared ? [differenceColumn(rows)] : []),
    ["recent", ({ recentAccuracy }) => spreadText(recentAccuracy)],
    ["best", ({ bestAccuracy }) => spreadText(bestAccuracy)],
    ...costColumns(target, rows),
    ["time", ({ seconds }) => formatSeconds(seconds.mean ?? Number.NaN)],
  ];
  return {
    heads: columns.map(([head]) => head),
    rows: rows.map((row) => columns.map(([, text]) => text(row))),
    notes: [
      ...(rows.some(({ seeds }) => seeds.length > 1)
        ? ["Mean ± sample standard deviation over the seeds, in percent of the test set."]
        : []),
      ...differenceNotes(rows),
      "Recent: mean of the last three evaluations. Gradients: of a mini-batch, over all clients. Time: mean time in rounds.",
      ...targetNotes(target, rows, givenTarget),
    ],
  };
}

/** The rows of the first setting, then those of the second. */
export function rowsBySetting({ rows }: Pick<Comparison, "rows">): ComparisonRow[] {
  return [...Map.groupBy(rows, ({ setting }) => setting).values()].flat();
}

/** The method that the others are compared with, where it is the same in all settings. */
export function baselineOf(rows: readonly ComparisonRow[]): string | undefined {
  const methods = new Set(rows.filter(({ difference }) => difference === null).map(({ method }) => method));
  return methods.size === 1 ? [...methods][0] : undefined;
}

function differenceColumn(rows: readonly ComparisonRow[]): Column {
  return [`difference to ${baselineOf(rows) ?? "the first"}`, (row) => differenceText(row)];
}

/** `+4.80 [+3.61, +5.99]` in percentage points; with the seeds that it rests on where they are not all of the row. */
export function differenceText({ difference, seeds }: Pick<ComparisonRow, "difference" | "seeds">): string {
  if (difference === null || difference.mean === null) return UNKNOWN;
  const { n, mean, halfWidth } = difference;
  const interval = halfWidth === null ? "" : ` [${points(mean - halfWidth)}, ${points(mean + halfWidth)}]`;
  return `${points(mean)}${interval}${n === seeds.length ? "" : ` (${formatPlural(n, "seed")})`}`;
}

function points(share: number): string {
  const text = (share * 100).toFixed(2);
  return Number(text) > 0 ? `+${text}` : text.replace(/^-(0\.0+)$/, "$1");
}

function differenceNotes(rows: readonly ComparisonRow[]): string[] {
  const known = rows.flatMap(({ difference }) => (difference?.mean == null ? [] : difference));
  if (known.length === 0) return [];
  const to = baselineOf(rows) ?? "the first row of the same setting";
  const what = `Difference: mean of the differences in accuracy to ${to} at equal seeds, in percentage points`;
  const intervals = known.some(({ halfWidth }) => halfWidth !== null);
  const with95 = intervals
    ? `, with its ${formatPercent(LEVEL, 0)} confidence interval (Student's t, paired by seed)`
    : "";
  return [`${what}${with95}.`, ...fewSeeds(known)];
}

/** How little one or two seeds say. */
function fewSeeds(known: readonly PairedDifference[]): string[] {
  const few = new Set(known.map(({ n }) => n));
  const half = (n: number) => studentT(n - 1, LEVEL).toFixed(1);
  return [
    ...(few.has(1) ? ["One common seed gives no interval."] : []),
    ...(few.has(2)
      ? [
          `With two common seeds the interval is ${half(2)} standard errors to either side; with five it would be ${half(5)}.`,
        ]
      : []),
  ];
}

function costColumns(target: number | null, rows: readonly ComparisonRow[]): Column[] {
  const several = target === null && rows.some((row) => row.target !== null);
  const share = target === null ? "target" : targetText(target);
  const known = (value: number | null, format: (value: number) => string) => (value === null ? UNKNOWN : format(value));
  const oneDigit = (value: number) => (Number.isInteger(value) ? formatCount(value) : value.toFixed(1));
  return [
    ...(several
      ? [["target", (row) => (row.target === null ? UNKNOWN : targetText(row.target))] satisfies Column]
      : []),
    [
      `rounds to ${share}`,
      ({ toTarget, seeds }) => `${known(toTarget.rounds, oneDigit)} (${toTarget.reached}/${seeds.length})`,
    ],
    [`up to ${share}`, ({ toTarget }) => known(toTarget.bytesUp, formatBytes)],
    [`gradients to ${share}`, ({ toTarget }) => known(toTarget.gradients, formatCount)],
    ...(rows.every(({ toTarget }) => toTarget.simulatedSeconds === null)
      ? []
      : [
          [
            `simulated time to ${share}`,
            ({ toTarget }) => known(toTarget.simulatedSeconds, formatSeconds),
          ] satisfies Column,
        ]),
  ];
}

function targetText(target: number): string {
  return formatPercent(target, Number(target.toFixed(3)) === target ? 1 : 2);
}

function targetNotes(target: number | null, rows: readonly ComparisonRow[], given: boolean): string[] {
  if (rows.every((row) => row.target === null)) return [];
  const subject = target === null ? "The target of a setting" : targetText(target);
  const runs = target === null ? "every run of the setting" : "every run";
  const origin = given
    ? ""
    : `${subject} is the highest accuracy that ${runs} reaches, but for those that diverged or failed. `;
  return [`${origin}Costs are means over the runs that reach it, with how many do.`];
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
