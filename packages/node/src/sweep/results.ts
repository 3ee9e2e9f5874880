import { join } from "node:path";
import { jsonText } from "@anabranch/core";
import { markdownTable } from "../docs/markdown-table.ts";
import { markdownCode, markdownLine, markdownText } from "../docs/markdown-text.ts";
import { type ComparisonOptions, type ComparisonRow, compareGroups } from "../report/comparison.ts";
import { comparisonCsv, comparisonLatex } from "../report/comparison-files.ts";
import { comparisonTable, endNotes } from "../report/comparison-table.ts";
import { measuresTable } from "../report/measures-table.ts";
import { predictsNumbers, RMSE } from "../report/quality.ts";
import type { RunEnd, RunFailure } from "../report/run-end.ts";
import { bestQuality, recentQuality, summarise } from "../report/summary.ts";
import { writeRunFile } from "../store/run-folder.ts";
import { formatLoss } from "../terminal/round-line.ts";
import type { SweepResult, TuningResult } from "./execute.ts";
import type { Outcome } from "./execute-run.ts";
import type { PlannedRun } from "./expand.ts";
import type { TuningMetric } from "./sweep-file.ts";
import { sweepGroups } from "./sweep-groups.ts";
import { commandOf, describeValues, type Values } from "./values.ts";

/** One run as the result of a sweep tells of it; what is not known is null. */
export interface RunRecord {
  readonly variant: string;
  readonly tuning: boolean;
  readonly seed: number;
  readonly values: Values;
  readonly end: RunEnd;
  readonly run: string | null;
  readonly folder: string | null;
  readonly accuracy: number | null;
  readonly recentAccuracy: number | null;
  readonly bestAccuracy: number | null;
  /** Errors in units of the target, of runs that predict numbers: the last, the lowest, and the explained share. */
  readonly error?: { readonly rmse: number | null; readonly bestRmse: number | null; readonly r2: number | null };
  readonly modelHash: string | null;
  readonly failure: RunFailure | null;
  /** Time in rounds. */
  readonly seconds: number | null;
  /** What repeats the run. */
  readonly command: string;
}

export interface SweepDocument {
  readonly name: string;
  readonly base: string;
  /** What targets are of: `rmse` where every run predicts numbers. */
  readonly metric: "accuracy" | "rmse";
  readonly target: number | null;
  readonly atRound: number | null;
  readonly tunings: readonly TuningRecord[];
  readonly rows: readonly (ComparisonRow & {
    variant: string;
    values: Values;
    tuned: Values | null;
    runs: RunRecord[];
  })[];
}

interface TuningRecord {
  readonly variant: string;
  readonly at: Values;
  readonly metric: TuningMetric;
  readonly chosen: Values | null;
  readonly candidates: readonly { values: Values; score: number | null; run: RunRecord | null }[];
}

export interface DocumentOptions extends ComparisonOptions {
  readonly name: string;
  /** Path of the base configuration as commands have it. */
  readonly base: string;
  readonly metric: TuningMetric;
}

/** The whole result of a sweep as a JSON document: a row for each variant and point of the grid. */
export function sweepDocument({ cases, tunings }: SweepResult, options: DocumentOptions): SweepDocument {
  const { name, base } = options;
  const groups = sweepGroups(cases);
  const { metric, target, atRound, rows } = compareGroups(groups, options);
  return {
    name,
    base,
    metric,
    target,
    atRound,
    tunings: tunings.map((result) => tuningRecord(result, base, options.metric)),
    rows: rows.map((row, i) => {
      const { case: one, tuned, outcomes } = cases[i]!;
      const runs = outcomes.map((outcome) => runRecord(outcome, base));
      return { ...row, variant: one.variant, values: one.grid, tuned: tuned ?? null, seeds: one.seeds, runs };
    }),
  };
}

/** What a run came to. */
export function runRecord({ planned, end, folder, data, failure }: Outcome, base: string): RunRecord {
  const summary = data && summarise(data);
  const { variant, tuning, seed, values } = planned;
  return {
    variant,
    tuning,
    seed,
    values,
    end,
    run: data?.id ?? null,
    folder: folder ?? null,
    accuracy: known(summary?.accuracy),
    recentAccuracy: known(data && recentQuality(data)),
    bestAccuracy: known(summary?.bestAccuracy),
    ...(data !== undefined &&
      predictsNumbers(data) && {
        error: {
          rmse: known(summary?.rmse),
          bestRmse: known(bestQuality(data, RMSE).value),
          r2: known(summary?.r2),
        },
      }),
    modelHash: summary?.modelHash || null,
    failure: failure ?? null,
    seconds: known(summary?.seconds),
    command: commandFor(planned, base),
  };
}

/** Writes the table in four formats into the folder of a sweep; returns their paths. `target`: it was asked for. */
export async function writeResults(folder: string, document: SweepDocument, target: boolean): Promise<string[]> {
  const contents = {
    "table.md": sweepMarkdown(document, target),
    "table.json": `${jsonText(document, 2)}\n`,
    "table.csv": comparisonCsv(document),
    "table.tex": comparisonLatex(document, target),
  };
  for (const [name, text] of Object.entries(contents)) await writeRunFile(join(folder, name), text);
  return Object.keys(contents).map((name) => join(folder, name));
}

function tuningRecord(
  { tuning, outcomes, scores, chosen }: TuningResult,
  base: string,
  metric: TuningMetric,
): TuningRecord {
  const candidates = tuning.choices.map((values, i) => {
    const { identity } = tuning.candidates[i]!;
    const outcome = outcomes.find(({ planned }) => planned.identity === identity);
    return { values, score: known(scores[i]), run: outcome === undefined ? null : runRecord(outcome, base) };
  });
  return { variant: tuning.variant, at: tuning.at, metric, chosen: chosen ?? null, candidates };
}

/** The table, the choices of the tunings and the commands as Markdown. `target`: it was asked for. */
export function sweepMarkdown(document: SweepDocument, target: boolean): string {
  const { heads, rows, notes } = comparisonTable(document, target);
  const scoreText = document.metric === "rmse" ? errorText : percent;
  const tuned = document.tunings.map(({ variant, at, chosen, candidates }) => [
    markdownText([variant, describeValues(at)].filter((text) => text !== "").join(", ")),
    chosen === null ? "none" : markdownText(describeValues(chosen)),
    candidates
      .map(({ values, score }) =>
        markdownText(`${describeValues(values)}: ${score === null ? "lost" : scoreText(score)}`),
      )
      .join("; "),
  ]);
  const commands = document.rows.flatMap(({ runs }) =>
    runs.map((run) => [
      markdownText(run.variant),
      String(run.seed),
      run.end,
      run.error === undefined ? percent(run.accuracy) : errorText(run.error.rmse),
      markdownText(run.modelHash ?? ""),
      markdownCode(run.command),
    ]),
  );
  return [
    `# ${markdownText(document.name)}`,
    "",
    ...markdownTable(
      heads.map(markdownText),
      rows.map((cells) => cells.map(markdownText)),
    ),
    "",
    ...[...notes, ...documentNotes(document)].map((note) => `- ${markdownLine(note)}`),
    ...measuresMarkdown(document),
    ...(tuned.length === 0 ? [] : ["", "## Tuning", "", ...markdownTable(["variant", "chosen", "scores"], tuned)]),
    "",
    "## Runs",
    "",
    ...markdownTable(
      ["variant", "seed", "end", document.metric === "rmse" ? "RMSE" : "accuracy", "model hash", "command"],
      commands,
    ),
    "",
  ].join("\n");
}

/** Costs and diagnostics, where a run has some. */
function measuresMarkdown({ rows }: SweepDocument): string[] {
  const measured = measuresTable(rows);
  if (measured === undefined) return [];
  const cells = measured.rows.map((row) => row.map(markdownText));
  return ["", "## Cost and diagnostics", "", ...markdownTable(measured.heads, cells)];
}

/** What is to be said about runs that did not end well. */
export function documentNotes({ rows }: SweepDocument): string[] {
  return endNotes(rows.map(({ label, runs }) => ({ label, ends: runs.map(({ end }) => end) })));
}

function commandFor({ assignments }: PlannedRun, base: string): string {
  return commandOf(base, assignments);
}

function percent(value: number | null): string {
  return value === null ? "–" : `${(value * 100).toFixed(2)} %`;
}

function errorText(value: number | null): string {
  return formatLoss(value ?? Number.NaN);
}

function known(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
