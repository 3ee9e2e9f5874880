import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { configDifferences } from "../../report/config-differences.ts";
import { runLabels } from "../../report/labels.ts";
import { type RunData, readRunFolder } from "../../report/run-data.ts";
import { firstReaching, summarise } from "../../report/summary.ts";
import { storageError } from "../../store/file-system.ts";
import { findRun } from "../../store/find-run.ts";
import type { RunSummary } from "../../store/run-summary.ts";
import { formatBytes, formatCount, formatFixed, formatPercent, formatSeconds } from "../../terminal/format.ts";
import { listensTo, readCall } from "../globals.ts";
import { withExamples } from "../help.ts";
import type { Output } from "../output.ts";
import { orNull } from "../run-texts.ts";
import { table } from "../text.ts";

export function addCompare(program: Command): void {
  const command = program
    .command("compare")
    .description("Put runs side by side: a table here, and one report with their curves.")
    .argument("<runs...>", 'ids, names or folders of runs, or "last"')
    .option("-o, --output <folder>", "folder of the report (default: compare-<ids> in the folder of runs)")
    .action(async (names: string[], options: { output?: string }, self: Command) => {
      const { globals, output } = readCall(self);
      const found: RunSummary[] = [];
      for (const name of names) found.push(await findRun(globals.runs, name));
      const runs = found.map((run) => readRunFolder(run.folder));
      const folder = resolve(options.output ?? join(globals.runs, `compare-${found.map(({ id }) => id).join("-")}`));
      const files = await writeReport(found, folder);
      const comparison = compare(found, runs);
      if (output.json) output.document({ ...comparison, report: join(folder, "report.html"), folder, files });
      else print(comparison, folder, output);
    });
  listensTo(command, "runs", "quiet");
  withExamples(
    command,
    ["anabranch compare fedavg scaffold", "two runs by their names"],
    ["anabranch compare k3x p7d last -o comparison", "three runs, the report in ./comparison"],
  );
}

async function writeReport(runs: readonly RunSummary[], folder: string): Promise<string[]> {
  const { writeCompareReport } = await import("../../report/report.ts");
  try {
    mkdirSync(folder, { recursive: true });
    return writeCompareReport(
      runs.map((run) => run.folder),
      folder,
    );
  } catch (error) {
    throw storageError(error, { what: "the report", path: folder });
  }
}

/** The figures of runs beside each other; `target` is the highest accuracy that every run reaches, null where unknown. */
function compare(found: readonly RunSummary[], runs: readonly RunData[]) {
  const labels = runLabels(runs);
  const summaries = runs.map(summarise);
  const least = Math.min(...summaries.map(({ bestAccuracy }) => bestAccuracy));
  const target = Number.isFinite(least) ? Math.floor(least * 1000) / 1000 : null;
  const differences = configDifferences(runs.map((run) => run.configText));
  return {
    target,
    runs: runs.map((run, i) => {
      const summary = summaries[i]!;
      const reached = target === null ? undefined : firstReaching(run, target);
      return {
        id: found[i]!.id,
        label: labels[i]!,
        algorithm: found[i]!.algorithm,
        status: found[i]!.status,
        rounds: summary.rounds,
        accuracy: orNull(summary.accuracy),
        bestAccuracy: orNull(summary.bestAccuracy),
        bestRound: orNull(summary.bestRound),
        testLoss: orNull(run.evaluations.at(-1)?.loss),
        bytesDown: orNull(summary.bytesDown),
        bytesUp: orNull(summary.bytesUp),
        seconds: orNull(summary.seconds),
        roundsToTarget: reached?.round ?? null,
        bytesUpToTarget: reached?.bytesUp ?? null,
      };
    }),
    differences,
  };
}

function print({ target, runs, differences }: ReturnType<typeof compare>, folder: string, output: Output): void {
  const text = (value: number | null, format: (value: number) => string) => format(value ?? Number.NaN);
  const share = target === null ? "target" : formatPercent(target, 1);
  const heads = ["accuracy", "best", "in round", "test loss", "up", "time", `rounds to ${share}`, `up to ${share}`];
  const rows = runs.map((run) => [
    output.colours.bold(run.label),
    run.algorithm,
    run.status,
    text(run.accuracy, formatPercent),
    text(run.bestAccuracy, formatPercent),
    text(run.bestRound, formatCount),
    text(run.testLoss, formatFixed),
    text(run.bytesUp, formatBytes),
    text(run.seconds, formatSeconds),
    text(run.roundsToTarget, formatCount),
    text(run.bytesUpToTarget, formatBytes),
  ]);
  const columns = [
    { head: "run" },
    { head: "algorithm" },
    { head: "status" },
    ...heads.map((head) => ({ head, right: true })),
  ];
  output.print(...table(columns, rows, output.width));
  if (target !== null && runs.length > 1) output.print("", `${share} is the highest accuracy that every run reaches.`);
  if (differences.length > 0) {
    const names = runs.map(({ label }) => ({ head: label }));
    output.print(
      "",
      output.colours.bold("What differs in the configuration"),
      ...table(
        [{ head: "key" }, ...names],
        differences.map(({ key, values }) => [key, ...values]),
        output.width,
      ),
    );
  }
  output.print("", `Report: ${join(folder, "report.html")}`);
}
