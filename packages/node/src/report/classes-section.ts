import { formatCount, formatFixed, formatPercent } from "../terminal/format.ts";
import { classRows } from "./classes-text.ts";
import { type Html, html } from "./html.ts";
import { card, pairs, table } from "./page.ts";
import type { ClassMetricsData, RunData } from "./run-data.ts";

/** Metrics of one class; NaN where they are not defined. */
export interface ClassScore {
  readonly name: string;
  readonly examples: number;
  /** Share of its examples that are recognised: recall. */
  readonly accuracy: number;
  /** Share of the examples taken for it that are of it. */
  readonly precision: number;
  readonly f1: number;
}

/** Accuracy, precision and F1 of each class. */
export function classScores({ confusion, classNames }: ClassMetricsData): ClassScore[] {
  return confusion.map((row, label) => {
    const hits = row[label] ?? 0;
    const examples = row.reduce((sum, count) => sum + count, 0);
    const predicted = confusion.reduce((sum, other) => sum + (other[label] ?? 0), 0);
    return {
      name: classNames?.[label] ?? String(label),
      examples,
      accuracy: hits / examples,
      precision: hits / predicted,
      f1: (2 * hits) / (examples + predicted),
    };
  });
}

/** The mean of F1 over the classes that the test set has. */
export function macroF1(scores: readonly ClassScore[]): number {
  const known = scores.filter(({ examples }) => examples > 0);
  return known.reduce((sum, { f1 }) => sum + f1, 0) / known.length;
}

/** The model by class, beside its confusion matrix; nothing where it was not evaluated so. */
export function classCard(run: RunData): Html[] {
  const groups = classRows(run, ROWS);
  const known = scoresOf(run);
  if (known.length === 0 && groups.length === 0) return [];
  return [card("Accuracy by class", [...known, ...(groups.length === 0 ? [] : [pairs(groups)])])];
}

const ROWS = ["test set", "hold-outs", "personal models on hold-outs", "adapted models on hold-outs"] as const;

function scoresOf({ classMetrics }: RunData): Html[] {
  if (classMetrics === undefined || classMetrics.confusion.length === 0) return [];
  const scores = classScores(classMetrics);
  const { auc } = classMetrics;
  const area = auc === undefined ? "" : `, area under the ROC curve ${formatFixed(auc)}`;
  const rows = scores.map(({ name, examples, accuracy, precision, f1 }) => ({
    cells: [name, formatCount(examples), formatPercent(accuracy, 1), formatPercent(precision, 1), formatFixed(f1, 3)],
  }));
  return [
    html`<p>Macro F1 ${formatFixed(macroF1(scores))}${area}, on ${formatCount(classMetrics.examples)} test examples.</p>`,
    table(["class", "examples", "accuracy", "precision", "F1"], rows),
  ];
}
