import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import type { ComparisonOptions } from "../../report/comparison.ts";
import { comparisonTable } from "../../report/comparison-table.ts";
import { acquireLock } from "../../store/lock.ts";
import type { SweepResult } from "../../sweep/execute.ts";
import { everyRun, type Sweep } from "../../sweep/expand.ts";
import { findRuns } from "../../sweep/found-runs.ts";
import { documentNotes, type SweepDocument, sweepDocument, writeResults } from "../../sweep/results.ts";
import { sweepGroups } from "../../sweep/sweep-groups.ts";
import { describeValues } from "../../sweep/values.ts";
import { formatPlural } from "../../terminal/format.ts";
import { writeJson, writeLines } from "../../terminal/terminal-text.ts";
import { requireTarget, withComparisonOptions } from "../comparison-options.ts";
import { type TableFiles, withTableFiles, writeTables } from "../comparison-tables.ts";
import { exitCodes } from "../exit-codes.ts";
import { acceptsOptions, type GlobalOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import { listenForInterrupt } from "../interrupt.ts";
import type { Output } from "../output.ts";
import { positiveCount } from "../parse.ts";
import { openOwnFolder } from "../result-files.ts";
import { type OpenSweep, openSweep } from "../sweep-config.ts";
import { planLines } from "../sweep-plan-text.ts";
import { notReusedText, SweepView } from "../sweep-view.ts";
import { table } from "../text.ts";
import { type TrustOption, withTrust } from "../trust.ts";

interface SweepCommandOptions extends ComparisonOptions, TableFiles, TrustOption {
  readonly plan?: boolean;
  readonly jobs: number;
}

export function addSweep(program: Command): void {
  const command = program
    .command("sweep")
    .description(
      "Train every variant for every grid point and seed, then compare them. Run it again to continue an interrupted sweep.",
    )
    .argument("<file>", "sweep (TOML); the path of its base configuration is relative to its folder")
    .option("--plan", "only print the runs and their estimated time, measured on two rounds of each variant")
    .option(
      "--jobs <n>",
      "number of parallel runs, which share the cores (results do not depend on it)",
      positiveCount,
      1,
    )
    .action(async (file: string, options: SweepCommandOptions, self: Command) => {
      const { globals, output } = parseInvocation(self);
      const open = await openSweep(file, options, globals);
      requireTarget(options.target, metricOf(open.sweep));
      if (options.plan === true) await plan(open, options.jobs, globals, output);
      else await carryOutAlone(file, open, options, globals, output);
    });
  withTableFiles(withComparisonOptions(command)).option("-f, --force", "overwrite existing files of --csv and --latex");
  withTrust(command);
  acceptsOptions(command, "workers", "runs", "dataDir", "quiet");
  withExamples(
    command,
    ["anabranch sweep sweep.toml --plan", "number of runs and estimated time"],
    ["anabranch sweep sweep.toml", "train all runs; after Ctrl-C, repeat it to continue"],
    ["anabranch sweep sweep.toml --latex table.tex", "also the table for a paper"],
    ["anabranch sweep sweep.toml --jobs 2 --target 0.8", "two parallel runs; cost of reaching 80 %"],
  );
}

/** What the runs are compared by, as their configurations tell. */
function metricOf(sweep: Sweep): "accuracy" | "rmse" {
  return everyRun(sweep).every(({ config }) => config.data.table.target === "number") ? "rmse" : "accuracy";
}

/** The options of sessions: with several runs at a time, each has its share of the cores. */
function execution({ workers, dataDir }: GlobalOptions, jobs: number) {
  const share = jobs === 1 ? undefined : Math.max(1, Math.floor(availableParallelism() / jobs));
  const given = workers ?? share;
  return {
    jobs,
    ...(given === undefined ? {} : { workers: given }),
    ...(dataDir === undefined ? {} : { dataDir }),
  };
}

async function plan({ sweep }: OpenSweep, jobs: number, globals: GlobalOptions, output: Output): Promise<void> {
  const { planSweep } = await import("../../sweep/plan.ts");
  output.note("Measuring two rounds and one evaluation of each variant, in memory.");
  const { reusable, notReused } = await findRuns(sweep, globals.runs, globals.dataDir);
  const planned = await planSweep(sweep, { ...execution(globals, jobs), found: reusable });
  if (output.json) output.document({ name: sweep.spec.name, ...planned, notReused: [...notReused.values()] });
  else output.print(planLines(planned, output.width), [...notReused.values()].map(notReusedText));
}

/** A second process with the same sweep would train every run again that the first one has not finished. */
async function carryOutAlone(
  file: string,
  open: OpenSweep,
  options: SweepCommandOptions,
  globals: GlobalOptions,
  output: Output,
): Promise<void> {
  const { folder } = await openOwnFolder(globals.runs, `sweep-${open.sweep.spec.name.replace(/[^\w.-]+/g, "-")}`);
  const lock = await acquireLock(join(folder, "lock"), "sweep");
  try {
    await execute(folder, open, { ...options, goOn: `Continue with: anabranch sweep ${file}` }, globals, output);
  } finally {
    await lock.release();
  }
}

async function execute(
  folder: string,
  { sweep, base }: OpenSweep,
  options: SweepCommandOptions & { readonly goOn: string },
  globals: GlobalOptions,
  output: Output,
): Promise<void> {
  const { jobs, target, atRound, goOn } = options;
  const { executeSweep } = await import("../../sweep/execute.ts");
  const { reusable: found, notReused } = await findRuns(sweep, globals.runs, globals.dataDir);
  const view = new SweepView(output, base, notReused);
  const print = (text: string) => {
    view.close();
    writeLines(process.stderr, [text]);
  };
  using interrupt = listenForInterrupt({
    first: () =>
      print("Finishing and saving the current rounds, then stopping. Press Ctrl-C again to exit immediately."),
    second: () => print(`Exited immediately. The last checkpoints are intact. ${goOn}`),
  });
  const result = await executeSweep(sweep, {
    ...execution(globals, jobs),
    runs: globals.runs,
    found,
    signal: interrupt.signal,
    onEvent: (planned, event) => view.onEvent(planned, event),
    onOutcome: (outcome, progress) => view.onOutcome(outcome, progress),
  });
  view.close();
  process.exitCode = exitCodeFor(result);
  const metric = sweep.spec.tune?.metric ?? "recentAccuracy";
  const document = sweepDocument(result, { name: sweep.spec.name, base, metric, target, atRound });
  const { interrupted } = result;
  const files = interrupted
    ? []
    : [
        ...(await writeResults(folder, document, target !== undefined)),
        ...(await writeSweepReport(folder, sweep.spec.name, result, { target, atRound })),
      ];
  if (!interrupted) await writeTables(document, target !== undefined, options);
  if (output.json) writeJson(process.stdout, { type: "sweep.result", interrupted, folder, files, ...document });
  else if (interrupted) output.note(goOn);
  else if (output.quiet) output.print(folder);
  else printComparison(document, target !== undefined, folder, output);
}

/** One report of all runs, with a panel for each setting; returns the path of its page. */
async function writeSweepReport(
  folder: string,
  name: string,
  { cases }: SweepResult,
  options: ComparisonOptions,
): Promise<string[]> {
  const { writeGroupReport } = await import("../../report/report.ts");
  const notStarted = cases.flatMap(({ outcomes }) => outcomes).filter(({ data }) => data === undefined).length;
  const about = { ...options, title: `Sweep ${name}`, notStarted };
  const [page] = await writeGroupReport(folder, sweepGroups(cases), about);
  return [join(folder, page!)];
}

/** A diverged value of a tuning is no failure: it has lost. */
function exitCodeFor({ interrupted, tunings, cases }: SweepResult): number {
  if (interrupted) return exitCodes.interrupted;
  const failedCase = cases.some(
    ({ tuned, outcomes }) => tuned === undefined || outcomes.some(({ end }) => end !== "finished"),
  );
  const failedTuning = tunings.some(({ outcomes }) => outcomes.some(({ end }) => end === "failed"));
  return failedCase || failedTuning ? exitCodes.failed : exitCodes.ok;
}

function printComparison(document: SweepDocument, target: boolean, folder: string, output: Output): void {
  const { heads, rows, notes } = comparisonTable(document, target);
  const columns = heads.map((head, c) => ({ head, right: c > 1 }));
  output.print("", table(columns, rows, output.width), "", notes, documentNotes(document));
  for (const { variant, at, chosen } of document.tunings) {
    const place = describeValues(at);
    const choice = chosen === null ? "nothing: every value diverged or failed" : describeValues(chosen);
    output.print(`Tuned: ${variant}${place === "" ? "" : ` (${place})`}: ${choice}`);
  }
  const runs = document.rows.flatMap((row) => row.runs);
  const bad = runs.filter(({ end }) => end !== "finished").length;
  if (bad > 0) output.print(output.colours.red(`${formatPlural(bad, "run")} diverged or failed.`));
  output.print("", `Report: ${join(folder, "report.html")}`, `Table and commands: ${join(folder, "table.md")}`);
}
