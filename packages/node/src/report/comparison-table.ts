import { formatBytes, formatCount, formatPercent, formatPlural, formatSeconds, UNKNOWN } from "../terminal/format.ts";
import { formatLoss, formatR2 } from "../terminal/round-line.ts";
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
  const { target, atRound, metric } = comparison;
  const byError = metric === "rmse";
  const rows = rowsBySetting(comparison);
  const compared = rows.some(({ difference }) => difference !== null);
  const columns: Column[] = [
    ["run", ({ label }) => label],
    ["seeds", ({ seeds }) => seeds.map((seed) => (Number.isFinite(seed) ? String(seed) : UNKNOWN)).join(" ")],
    ...(byError ? errorColumns(atRound, rows, compared) : accuracyColumns(atRound, rows, compared)),
    ...costColumns(target, rows, metric),
    ["time", ({ seconds }) => formatSeconds(seconds.mean ?? Number.NaN)],
  ];
  return {
    heads: columns.map(([head]) => head),
    rows: rows.map((row) => columns.map(([, text]) => text(row))),
    notes: [
      ...(rows.some(({ seeds }) => seeds.length > 1)
        ? [`Mean ± sample standard deviation over the seeds${byError ? "" : ", in percent of the test set"}.`]
        : []),
      ...(byError ? ["RMSE: root mean squared error on the test set, in units of the target; lower is better."] : []),
      ...differenceNotes(rows, metric),
      "Recent: mean of the last three evaluations. Gradients: of a mini-batch, over all clients. Time: mean time in rounds.",
      ...targetNotes(target, rows, givenTarget, metric),
    ],
  };
}

const atRoundHead = (what: string, atRound: number | null) => (atRound === null ? what : `${what} at round ${atRound}`);

function accuracyColumns(atRound: number | null, rows: readonly ComparisonRow[], compared: boolean): Column[] {
  return [
    [atRoundHead("accuracy", atRound), ({ accuracy }) => spreadText(accuracy)],
    ...(compared ? [differenceColumn(rows, differenceText)] : []),
    ["recent", ({ recentAccuracy }) => spreadText(recentAccuracy)],
    ["best", ({ bestAccuracy }) => spreadText(bestAccuracy)],
  ];
}

function errorColumns(atRound: number | null, rows: readonly ComparisonRow[], compared: boolean): Column[] {
  return [
    [atRoundHead("RMSE", atRound), ({ error }) => errorText(error?.rmse)],
    ...(compared ? [differenceColumn(rows, errorDifferenceText)] : []),
    ["recent", ({ error }) => errorText(error?.recentRmse)],
    ["best", ({ error }) => errorText(error?.bestRmse)],
    ["R2", ({ error }) => errorText(error?.r2, formatR2)],
  ];
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

function differenceColumn(rows: readonly ComparisonRow[], text: Column[1]): Column {
  return [`difference to ${baselineOf(rows) ?? "the first"}`, text];
}

/** `+4.80 [+3.61, +5.99]` in percentage points; with the seeds that it rests on where they are not all of the row. */
export function differenceText(row: Pick<ComparisonRow, "difference" | "seeds">): string {
  return differenceBy(row, points);
}

/** The same in units of the target: below 0 is better. */
function errorDifferenceText(row: ComparisonRow): string {
  return differenceBy(row, (value) => `${value > 0 ? "+" : ""}${formatLoss(value)}`);
}

function differenceBy(
  { difference, seeds }: Pick<ComparisonRow, "difference" | "seeds">,
  format: (value: number) => string,
): string {
  if (difference === null || difference.mean === null) return UNKNOWN;
  const { n, mean, halfWidth } = difference;
  const interval = halfWidth === null ? "" : ` [${format(mean - halfWidth)}, ${format(mean + halfWidth)}]`;
  return `${format(mean)}${interval}${n === seeds.length ? "" : ` (${formatPlural(n, "seed")})`}`;
}

function points(share: number): string {
  const text = (share * 100).toFixed(2);
  return Number(text) > 0 ? `+${text}` : text.replace(/^-(0\.0+)$/, "$1");
}

function differenceNotes(rows: readonly ComparisonRow[], metric: Comparison["metric"]): string[] {
  const known = rows.flatMap(({ difference }) => (difference?.mean == null ? [] : difference));
  if (known.length === 0) return [];
  const to = baselineOf(rows) ?? "the first row of the same setting";
  const [of, unit] = metric === "rmse" ? ["RMSE", "units of the target"] : ["accuracy", "percentage points"];
  const what = `Difference: mean of the differences in ${of} to ${to} at equal seeds, in ${unit}`;
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

function costColumns(target: number | null, rows: readonly ComparisonRow[], metric: Comparison["metric"]): Column[] {
  const several = target === null && rows.some((row) => row.target !== null);
  const share = target === null ? "target" : targetText(target, metric);
  const known = (value: number | null, format: (value: number) => string) => (value === null ? UNKNOWN : format(value));
  const oneDigit = (value: number) => (Number.isInteger(value) ? formatCount(value) : value.toFixed(1));
  return [
    ...(several
      ? [["target", (row) => (row.target === null ? UNKNOWN : targetText(row.target, metric))] satisfies Column]
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

/** `80.0 %`, or `RMSE 83.1`. */
export function targetText(target: number, metric: Comparison["metric"]): string {
  if (metric === "rmse") return `RMSE ${Number(target.toPrecision(6))}`;
  return formatPercent(target, Number(target.toFixed(3)) === target ? 1 : 2);
}

function targetNotes(
  target: number | null,
  rows: readonly ComparisonRow[],
  given: boolean,
  metric: Comparison["metric"],
): string[] {
  if (rows.every((row) => row.target === null)) return [];
  const subject = target === null ? "The target of a setting" : targetText(target, metric);
  const runs = target === null ? "every run of the setting" : "every run";
  const origin = given
    ? ""
    : `${subject} is the ${metric === "rmse" ? "lowest error" : "highest accuracy"} that ${runs} reaches, but for those that diverged or failed. `;
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

/** `83.10 ± 1.20`. */
function errorText(spread: Spread | undefined, format: (value: number) => string = formatLoss): string {
  if (spread === undefined || spread.mean === null) return UNKNOWN;
  return spread.deviation === null ? format(spread.mean) : `${format(spread.mean)} ± ${format(spread.deviation)}`;
}
