import { join } from "node:path";
import { AnabranchError } from "@anabranch/core";
import type { Command } from "commander";
import { findBaselines } from "../../report/baselines.ts";
import {
  type Comparison,
  type ComparisonOptions,
  commonTarget,
  compareGroups,
  evaluationsUntil,
} from "../../report/comparison.ts";
import { comparisonTable, endNotes, targetText } from "../../report/comparison-table.ts";
import { configDifferences } from "../../report/config-differences.ts";
import { runLabels } from "../../report/labels.ts";
import { coverageNote } from "../../report/measures.ts";
import { measuresTable } from "../../report/measures-table.ts";
import { qualityOf } from "../../report/quality.ts";
import { type RunData, readRunFolder } from "../../report/run-data.ts";
import { classifyEnd } from "../../report/run-end.ts";
import { groupBySeed } from "../../report/run-groups.ts";
import { bestQuality, firstReaching, gradientsBy, recentQuality, summarise } from "../../report/summary.ts";
import { fileNameOf } from "../../store/file-name.ts";
import { findRun } from "../../store/find-run.ts";
import { RunSummarizer, type RunSummary } from "../../store/run-summary.ts";
import { formatBytes, formatCount, formatFixed, formatPercent, formatSeconds } from "../../terminal/format.ts";
import { formatLoss, formatR2 } from "../../terminal/round-line.ts";
import { requireTarget, withComparisonOptions } from "../comparison-options.ts";
import { type TableFiles, withTableFiles, writeTables } from "../comparison-tables.ts";
import { acceptsOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import type { Output } from "../output.ts";
import { openNamedFolder, openOwnFolder, type ReportFolder, requireOwnReport } from "../result-files.ts";
import { orNull } from "../run-texts.ts";
import { table } from "../text.ts";

interface CompareOptions extends ComparisonOptions, TableFiles {
  readonly output?: string;
  readonly baselines?: boolean;
}

export function addCompare(program: Command): void {
  const command = program
    .command("compare")
    .description(
      "Compare runs in a table and in one report with their curves. Seeds of the same configuration share a row.",
    )
    .argument("<runs...>", 'ids, names or folders of runs, or "last"')
    .option("-o, --output <folder>", "folder of the report (default: compare-<ids> in the folder of runs)")
    .option(
      "--no-baselines",
      "leave out the baselines of the runs, which are else added where they are in the same folder",
    )
    .option("-f, --force", "overwrite existing files that are not an Anabranch report")
    .action(async (names: string[], options: CompareOptions, self: Command) => {
      const { globals, output } = parseInvocation(self);
      const found: RunSummary[] = [];
      for (const name of names) found.push(await findRun(globals.runs, name));
      if (options.baselines !== false) found.push(...(await baselinesOf(found)));
      const runs = found.map((run) => readRunFolder(run.folder));
      requireTarget(options.target, qualityOf(runs).metric);
      const target = await openFolder(
        options,
        globals.runs,
        fileNameOf("compare", ...found.map(({ id }) => id)),
        output,
      );
      const { folder } = target;
      const files = await writeReport(runs, target, options);
      const comparison = compare(found, runs, options);
      await writeTables(tableOf(comparison), options.target !== undefined, options);
      if (output.json) output.document({ ...comparison, report: join(folder, "report.html"), folder, files });
      else print(comparison, runs, options, folder, output);
    });
  withComparisonOptions(withTableFiles(command));
  acceptsOptions(command, "runs", "quiet");
  withExamples(
    command,
    ["anabranch compare fedavg scaffold", "two runs by their names"],
    ["anabranch compare k3x p7d last -o comparison", "three runs, with the report in ./comparison"],
    ["anabranch compare k3x p7d --csv table.csv --latex table.tex", "the table for other programs"],
    ["anabranch compare k3x p7d --target 0.8 --at-round 20", "cost of reaching 80 %, and accuracies at round 20"],
  );
}

/** Finished baselines of the runs that are not among them. */
async function baselinesOf(found: readonly RunSummary[]): Promise<RunSummary[]> {
  const named = new Set(found.map(({ id }) => id));
  const added: RunSummary[] = [];
  for (const { folder } of found) {
    for (const baseline of await findBaselines({ folder, run: readRunFolder(folder) })) {
      if (named.has(baseline.run.id)) continue;
      named.add(baseline.run.id);
      added.push((await RunSummarizer.ofFolder(baseline.folder)).summary);
    }
  }
  return added;
}

/** The folder of the report: in the folder of runs, or here where that cannot be written. */
async function openFolder(options: CompareOptions, runs: string, name: string, output: Output): Promise<ReportFolder> {
  if (options.output !== undefined) return openNamedFolder(options.output);
  try {
    return await openOwnFolder(runs, name);
  } catch (error) {
    if (!(error instanceof AnabranchError) || !UNWRITABLE.has(error.code)) throw error;
    const here = await openOwnFolder(".", name);
    output.note(`The folder of runs is not writable, so the report is in ${here.folder}.`);
    return here;
  }
}

const UNWRITABLE = new Set(["store/not-writable", "store/read-only"]);

async function writeReport(
  runs: readonly RunData[],
  target: ReportFolder,
  { force, target: accuracy, atRound }: CompareOptions,
): Promise<string[]> {
  if (force !== true) await requireOwnReport(target);
  const { countRepeated, writeGroupReport } = await import("../../report/report.ts");
  const groups = groupBySeed(runs);
  const about = { target: accuracy, atRound, repeated: countRepeated(runs, groups) };
  return writeGroupReport(target.folder, groups, about, target.files);
}

/** The metrics of runs beside each other, one by one and by group; `target` is the asked one or what every run reaches. */
function compare(found: readonly RunSummary[], runs: readonly RunData[], options: ComparisonOptions) {
  const labels = runLabels(runs);
  const groups = groupBySeed(runs);
  const quality = qualityOf(runs);
  const { metric, atRound, rows } = compareGroups(groups, options);
  const target = options.target ?? commonTarget(runs) ?? null;
  return {
    metric,
    target,
    atRound,
    runs: runs.map((run, i) => {
      const summary = summarise(run);
      const reached = target === null ? undefined : firstReaching(run, target, quality);
      const looked = evaluationsUntil(run, options.atRound);
      const last = looked.evaluations.at(-1);
      const accuracy = options.atRound === undefined ? summary.accuracy : last?.accuracy;
      const best = bestQuality(run, quality);
      return {
        id: found[i]!.id,
        label: labels[i]!,
        algorithm: found[i]!.algorithm,
        status: found[i]!.status,
        rounds: summary.rounds,
        accuracy: orNull(accuracy),
        recentAccuracy: orNull(recentQuality(looked)),
        bestAccuracy: orNull(summary.bestAccuracy),
        ...(metric === "rmse" && {
          error: {
            ...{ rmse: orNull(last?.rmse), r2: orNull(last?.r2) },
            ...{ recentRmse: orNull(recentQuality(looked, quality)), bestRmse: orNull(best.value) },
          },
        }),
        bestRound: orNull(metric === "rmse" ? best.round : summary.bestRound),
        testLoss: orNull(run.evaluations.at(-1)?.loss),
        bytesDown: orNull(summary.bytesDown),
        bytesUp: orNull(summary.bytesUp),
        seconds: orNull(summary.seconds),
        roundsToTarget: reached?.round ?? null,
        bytesUpToTarget: reached?.bytesUp ?? null,
        simulatedSecondsToTarget: orNull(reached?.simulatedSeconds),
        gradientsToTarget: reached === undefined ? null : orNull(gradientsBy(run)(reached.round)),
      };
    }),
    groups: rows.map((row, i) => ({ ...row, ends: groups[i]!.runs.map(classifyEnd) })),
    differences: configDifferences(runs.map((run) => run.configText)),
  };
}

type Compared = ReturnType<typeof compare>;

/** The rows of the groups, whose settings may have targets of their own. */
function tableOf({ metric, groups, atRound }: Compared): Comparison {
  const targets = new Set(groups.map(({ target }) => target));
  return { metric, target: targets.size === 1 ? [...targets][0]! : null, atRound, rows: groups };
}

function print(
  compared: Compared,
  data: readonly RunData[],
  options: ComparisonOptions,
  folder: string,
  output: Output,
): void {
  const { runs, groups, differences } = compared;
  const settings = new Set(groups.map(({ setting }) => setting));
  if (settings.size > 1 || groups.some(({ seeds }) => seeds.length > 1)) printGroups(compared, options, output);
  else printRuns(compared, options, output);
  printMeasures(groups, data, output);
  if (differences.length > 0) {
    const names = runs.map(({ label }) => ({ head: label }));
    output.print(
      "",
      output.colours.bold("What differs in the configuration"),
      table(
        [{ head: "key" }, ...names],
        differences.map(({ key, values }) => [key, ...values]),
        output.width,
      ),
    );
  }
  output.print("", `Report: ${join(folder, "report.html")}`);
}

/** What runs have cost and what their diagnostics say. */
function printMeasures(groups: Compared["groups"], data: readonly RunData[], output: Output): void {
  const measured = measuresTable(groups);
  if (measured === undefined) return;
  const columns = measured.heads.map((head, c) => ({ head, right: c > 0 }));
  output.print("", output.colours.bold("Cost and diagnostics"), table(columns, measured.rows, output.width));
  const note = coverageNote(data);
  if (note !== undefined) output.print("", note);
}

/** Seeds of one configuration in a row. */
function printGroups(compared: Compared, options: ComparisonOptions, output: Output): void {
  const { heads, rows, notes } = comparisonTable(tableOf(compared), options.target !== undefined);
  const columns = heads.map((head, c) => ({ head, right: c > 1 }));
  output.print(table(columns, rows, output.width), "", notes, endNotes(compared.groups));
}

function printRuns({ metric, target, atRound, runs }: Compared, options: ComparisonOptions, output: Output): void {
  const text = (value: number | null, format: (value: number) => string) => format(value ?? Number.NaN);
  const share = target === null ? "target" : targetText(target, metric);
  const byError = metric === "rmse";
  const what = byError ? "RMSE" : "accuracy";
  const value = atRound === null ? what : `${what} at round ${atRound}`;
  const isTimed = runs.some(({ simulatedSecondsToTarget }) => simulatedSecondsToTarget !== null);
  const heads = [
    ...[
      value,
      ...(byError ? ["R2"] : []),
      "best",
      "in round",
      "test loss",
      "up",
      "time",
      `rounds to ${share}`,
      `up to ${share}`,
    ],
    ...(isTimed ? [`simulated time to ${share}`] : []),
  ];
  const rows = runs.map((run) => [
    output.colours.bold(run.label),
    run.algorithm,
    run.status,
    ...(run.error === undefined
      ? [text(run.accuracy, formatPercent), text(run.bestAccuracy, formatPercent)]
      : [text(run.error.rmse, formatLoss), text(run.error.r2, formatR2), text(run.error.bestRmse, formatLoss)]),
    text(run.bestRound, formatCount),
    text(run.testLoss, formatFixed),
    text(run.bytesUp, formatBytes),
    text(run.seconds, formatSeconds),
    text(run.roundsToTarget, formatCount),
    text(run.bytesUpToTarget, formatBytes),
    ...(isTimed ? [text(run.simulatedSecondsToTarget, formatSeconds)] : []),
  ]);
  const columns = [
    { head: "run" },
    { head: "algorithm" },
    { head: "status" },
    ...heads.map((head) => ({ head, right: true })),
  ];
  output.print(table(columns, rows, output.width));
  const found = options.target === undefined && target !== null && runs.length > 1;
  if (found)
    output.print(
      "",
      `${share} is the ${byError ? "lowest error" : "highest accuracy"} reached by every run that neither diverged nor failed.`,
    );
}
