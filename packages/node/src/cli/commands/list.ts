import { resolve } from "node:path";
import { type RunStatus, runStatuses } from "@anabranch/core";
import { type Command, Option } from "commander";
import { listRuns } from "../../store/find-run.ts";
import { listSweeps } from "../../sweep/sweep-members.ts";
import { formatBytes, formatPercent, formatPlural, formatSeconds } from "../../terminal/format.ts";
import { formatLoss, formatR2 } from "../../terminal/round-line.ts";
import { textWidth } from "../../terminal/terminal-text.ts";
import { acceptsOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import type { Output } from "../output.ts";
import { positiveCount } from "../parse.ts";
import {
  describeDifferences,
  type FoldedSweep,
  type ListedRun,
  type ListOptions,
  SORT_KEYS,
  selectRuns,
} from "../run-list.ts";
import { localTime, orNaN, statusColour } from "../run-texts.ts";
import { table } from "../text.ts";

export function addList(program: Command): void {
  const command = program
    .command("list")
    .description("List the runs, newest first. The runs of a finished sweep are one line.")
    .option("--name <text>", "only runs whose name contains this")
    .option("--tag <tag>", "only runs with this tag")
    .addOption(new Option("--status <status>", "only runs with this status").choices(runStatuses))
    .option("--last <n>", "only the first runs of the list", positiveCount)
    .addOption(new Option("--sort <key>", "order of the list").choices(SORT_KEYS).default("started"))
    .option("--all", "list the runs of sweeps and their tunings one by one")
    .action(async (options: ListOptions & { status?: RunStatus }, self: Command) => {
      const { globals, output } = parseInvocation(self);
      const root = resolve(globals.runs);
      const found = await listRuns(root);
      const { runs, folded } = selectRuns(found, await listSweeps(root), options);
      if (output.json) output.document({ root, runs, sweeps: folded });
      else if (found.length === 0) {
        output.note(`There are no runs in ${root} yet. Start one with: anabranch run FILE`);
      } else print(runs, folded, output);
    });
  acceptsOptions(command, "runs", "quiet");
  withExamples(
    command,
    ["anabranch list", "the runs in ./runs"],
    ["anabranch list --status failed --last 5", "the newest five that failed"],
    ["anabranch list --name sam --sort best", "runs of that name, best accuracy first"],
    ["anabranch list --json | jq '.runs[].bestAccuracy'", "metrics for a script"],
  );
}

function print(runs: readonly ListedRun[], folded: readonly FoldedSweep[], output: Output): void {
  if (runs.length > 0) output.print(runTable(runs, output));
  else if (folded.length === 0) output.note("No run fits. List all runs with: anabranch list --all");
  if (runs.length > 0 && folded.length > 0) output.print("");
  output.print(folded.map(foldedText));
  if (folded.length > 0) output.note("List the runs of sweeps one by one with: anabranch list --all");
}

function foldedText({ name, folder, runs, tunings }: FoldedSweep): string {
  const tuned = tunings === 0 ? "" : ` and ${formatPlural(tunings, "run")} of its tuning`;
  return `sweep ${name}: ${formatPlural(runs, "run")}${tuned}, result in ${folder}`;
}

/** `drop`: which columns a narrow terminal leaves out, the lowest first; those without one are always shown. */
interface ListColumn {
  readonly head: string;
  readonly right?: boolean;
  readonly drop?: number;
  readonly text: (run: ListedRun, index: number) => string;
}

const predictsNumbers = ({ finalRmse }: ListedRun) => finalRmse !== null;

const accuracyColumns: readonly ListColumn[] = [
  { head: "accuracy", right: true, text: (run) => formatPercent(orNaN(run.finalAccuracy)) },
  { head: "best", drop: 4, right: true, text: (run) => formatPercent(orNaN(run.bestAccuracy)) },
];

const errorColumns: readonly ListColumn[] = [
  { head: "RMSE", right: true, text: (run) => formatLoss(orNaN(run.finalRmse)) },
  { head: "R2", drop: 4, right: true, text: (run) => formatR2(orNaN(run.finalR2)) },
];

function runTable(runs: readonly ListedRun[], { width, colours }: Output): string[] {
  const differences = describeDifferences(runs);
  const columns: ListColumn[] = [
    { head: "id", text: ({ id }) => id },
    { head: "name", text: ({ name }) => name },
    { head: "algorithm", drop: 5, text: ({ algorithm }) => algorithm },
    { head: "dataset", drop: 2, text: ({ dataset }) => dataset },
    { head: "status", text: ({ status }) => statusColour(status, colours) },
    { head: "rounds", drop: 6, right: true, text: (run) => `${run.roundsDone}/${run.roundsTotal}` },
    ...(runs.every(predictsNumbers) ? [] : accuracyColumns),
    ...(runs.some(predictsNumbers) ? errorColumns : []),
    { head: "up", drop: 0, right: true, text: ({ bytesUp }) => formatBytes(bytesUp) },
    { head: "time", drop: 1, right: true, text: ({ seconds }) => formatSeconds(seconds) },
    { head: "started", drop: 3, text: ({ startedAt }) => localTime(startedAt) },
    ...(runs.some(({ tags }) => tags.length > 0)
      ? [{ head: "tags", text: ({ tags }: ListedRun) => tags.join(" ") }]
      : []),
    ...(differences.some((text) => text !== "")
      ? [{ head: "differs in", text: (_: ListedRun, index: number) => differences[index]! }]
      : []),
  ];
  const shown = fitting(columns, runs, width);
  return table(
    shown,
    runs.map((run, index) => shown.map(({ text }) => text(run, index))),
    width,
  );
}

/** The columns that fit; the last one may be wrapped to this many characters. */
const LEAST_LAST = 24;

function fitting(columns: readonly ListColumn[], runs: readonly ListedRun[], width: number): ListColumn[] {
  const widths = new Map(
    columns.map((column) => [
      column,
      Math.max(column.head.length, ...runs.map((run, index) => textWidth(column.text(run, index)))),
    ]),
  );
  let shown = [...columns];
  const total = () =>
    shown.reduce((sum, column, at) => {
      const own = widths.get(column)!;
      return sum + (at === shown.length - 1 ? Math.min(own, LEAST_LAST) : own + 2);
    }, 0);
  while (total() > width) {
    const droppable = shown.filter(({ drop }) => drop !== undefined);
    if (droppable.length === 0) break;
    const first = droppable.reduce((a, b) => (b.drop! < a.drop! ? b : a));
    shown = shown.filter((column) => column !== first);
  }
  return shown;
}
