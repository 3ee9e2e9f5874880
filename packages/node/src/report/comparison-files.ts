import { printable } from "@anabranch/core";
import { latexText } from "../docs/latex.ts";
import type { Comparison, ComparisonRow } from "./comparison.ts";
import { comparisonTable, rowsBySetting } from "./comparison-table.ts";

export type Cell = string | number | null;
type Field = readonly [name: string, value: (row: ComparisonRow) => Cell];

/** Columns of the CSV: fractions of 1, errors in units of the target, bytes, seconds; unknown values are empty. */
const FIELDS: readonly Field[] = [
  ["method", ({ method }) => method],
  ["setting", ({ setting }) => setting],
  ["algorithm", ({ algorithm }) => algorithm],
  ["seeds", ({ seeds }) => seeds.join(" ")],
  ["accuracy", ({ accuracy }) => accuracy.mean],
  ["accuracy_sd", ({ accuracy }) => accuracy.deviation],
  ["difference", ({ difference }) => difference?.mean ?? null],
  ["difference_low", ({ difference }) => edge(difference, -1)],
  ["difference_high", ({ difference }) => edge(difference, 1)],
  ["difference_seeds", ({ difference }) => difference?.n ?? null],
  ["recent_accuracy", ({ recentAccuracy }) => recentAccuracy.mean],
  ["recent_accuracy_sd", ({ recentAccuracy }) => recentAccuracy.deviation],
  ["best_accuracy", ({ bestAccuracy }) => bestAccuracy.mean],
  ["best_accuracy_sd", ({ bestAccuracy }) => bestAccuracy.deviation],
  ["rmse", ({ error }) => error?.rmse.mean ?? null],
  ["rmse_sd", ({ error }) => error?.rmse.deviation ?? null],
  ["recent_rmse", ({ error }) => error?.recentRmse.mean ?? null],
  ["recent_rmse_sd", ({ error }) => error?.recentRmse.deviation ?? null],
  ["best_rmse", ({ error }) => error?.bestRmse.mean ?? null],
  ["best_rmse_sd", ({ error }) => error?.bestRmse.deviation ?? null],
  ["r2", ({ error }) => error?.r2.mean ?? null],
  ["r2_sd", ({ error }) => error?.r2.deviation ?? null],
  ["seconds", ({ seconds }) => seconds.mean],
  ["seconds_sd", ({ seconds }) => seconds.deviation],
  ["target", ({ target }) => target],
  ["reached", ({ toTarget }) => toTarget.reached],
  ["rounds_to_target", ({ toTarget }) => toTarget.rounds],
  ["bytes_up_to_target", ({ toTarget }) => toTarget.bytesUp],
  ["gradients_to_target", ({ toTarget }) => toTarget.gradients],
  ["simulated_seconds_to_target", ({ toTarget }) => toTarget.simulatedSeconds],
];

/** The rows of a comparison as CSV (RFC 4180), one for each method and setting. */
export function comparisonCsv(comparison: Pick<Comparison, "rows">): string {
  const rows = rowsBySetting(comparison);
  const lines = [FIELDS.map(([name]) => name), ...rows.map((row) => FIELDS.map(([, value]) => csvCell(value(row))))];
  return `${lines.map((cells) => cells.join(",")).join("\r\n")}\r\n`;
}

/** The table of a comparison as a LaTeX `tabular` for the package booktabs; what its columns mean is in comments. */
export function comparisonLatex(comparison: Comparison, givenTarget: boolean): string {
  const { heads, rows, notes } = comparisonTable(comparison, givenTarget);
  const settings = rowsBySetting(comparison).map(({ setting }) => setting);
  const startsSetting = (index: number) => index > 0 && settings[index - 1] !== settings[index];
  const line = (cells: readonly string[]) => `${cells.map(latexCell).join(" & ")} \\\\`;
  return [
    ...notes.map((note) => `% ${printable(note)}`),
    `\\begin{tabular}{ll${"r".repeat(heads.length - 2)}}`,
    "\\toprule",
    line(heads),
    "\\midrule",
    ...rows.flatMap((cells, index) => [...(startsSetting(index) ? ["\\midrule"] : []), line(cells)]),
    "\\bottomrule",
    "\\end{tabular}",
    "",
  ].join("\n");
}

function edge(difference: ComparisonRow["difference"], sign: number): number | null {
  if (difference === null || difference.mean === null || difference.halfWidth === null) return null;
  return difference.mean + sign * difference.halfWidth;
}

/** A spreadsheet takes a text that begins with one of these for a formula, so such texts get an apostrophe. */
const FORMULA = /^[=+\-@\t\r]/;

/** One cell of a CSV file. */
export function csvCell(value: Cell): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const text = printable(value);
  return `"${(FORMULA.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
}

function latexCell(text: string): string {
  // a bracket at the start of a row would be taken as an option of the row's end before it
  return latexText(printable(text))
    .replaceAll("±", "$\\pm$")
    .replace(/(?<!\w)-(?=\d)/g, "$-$$")
    .replace(/^\[/, "{[}");
}
