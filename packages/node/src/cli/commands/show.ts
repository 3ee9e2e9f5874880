import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Config, formatEpsilon, parseConfig, spentBy, spentText, testNote } from "@anabranch/core";
import type { Command } from "commander";
import { classRows } from "../../report/classes-text.ts";
import { type RunData, readRunFolder } from "../../report/run-data.ts";
import { summarise } from "../../report/summary.ts";
import { tasksText } from "../../report/tasks-section.ts";
import { findRun } from "../../store/find-run.ts";
import type { RunSummary } from "../../store/run-summary.ts";
import {
  formatBytes,
  formatCount,
  formatFixed,
  formatPercent,
  formatPlural,
  formatSeconds,
  parametersText,
} from "../../terminal/format.ts";
import { formatLoss, formatR2 } from "../../terminal/round-line.ts";
import { commandName } from "../command-name.ts";
import { configSummary } from "../config-summary.ts";
import { followRun } from "../follow-run.ts";
import { acceptsOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import type { Output } from "../output.ts";
import { positiveCount } from "../parse.ts";
import { reputationLines } from "../reputation-lines.ts";
import { localTime, orNull, statusColour } from "../run-texts.ts";
import { labelled, table } from "../text.ts";

const RUN = 'id or its first characters, name, folder, or "last"';

export function addShow(program: Command): void {
  const command = program
    .command("show")
    .description("Show the configuration, last rounds, result and files of a run.")
    .argument("<run>", RUN)
    .option("-n, --rounds <n>", "number of last rounds to show", positiveCount, 10)
    .option("-F, --follow", "print the rounds of a running run as they come, until it ends")
    .action(async (name: string, options: { rounds: number; follow?: boolean }, self: Command) => {
      const { globals, output } = parseInvocation(self);
      const summary = await findRun(globals.runs, name);
      if (options.follow === true) return followRun(summary.folder, output);
      const run = readRunFolder(summary.folder);
      const files = await filesOf(summary.folder);
      if (output.json) output.document(runDocument(summary, run, files));
      else print(summary, run, files, options.rounds, output);
    });
  acceptsOptions(command, "runs");
  withExamples(
    command,
    ["anabranch show last", "the latest run"],
    ["anabranch show k3x --rounds 30", "the last 30 rounds"],
    ["anabranch show last --follow", "a run that trains in another terminal"],
  );
}

function runDocument(summary: RunSummary, run: RunData, files: readonly string[]) {
  const result = summarise(run);
  return {
    run: summary,
    config: readConfig(run) ?? null,
    executor: run.start?.executor ?? null,
    workers: orNull(run.start?.workers),
    parameters: orNull(run.start?.parameters),
    noiseMultiplier: orNull(run.start?.noiseMultiplier),
    privacy: privacyDocument(run),
    rounds: historyOf(run),
    best: Number.isFinite(result.bestRound) ? { round: result.bestRound, accuracy: orNull(result.bestAccuracy) } : null,
    modelHash: result.modelHash === "" ? null : result.modelHash,
    failedClients: run.failures.length,
    files,
  };
}

/** What was spent, as `round.finished` has it; null for a run that is not private. */
function privacyDocument(run: RunData) {
  const spent = spentBy(run);
  if (spent === undefined) return null;
  const { epsilon, delta, accountant, before, covered = true } = spent;
  return { epsilon: orNull(epsilon), delta, accountant, before: orNull(before), covered };
}

/** One line for each round; what was not measured is null. */
function historyOf(run: RunData) {
  const tests = new Map(run.evaluations.map((evaluation) => [evaluation.round, evaluation]));
  const clients = new Map(run.clientEvaluations.map((evaluation) => [evaluation.round, evaluation]));
  const nodes = new Map(run.nodeEvaluations.map((evaluation) => [evaluation.round, evaluation]));
  return run.rounds.map((round) => ({
    round: round.round,
    loss: orNull(round.loss),
    testLoss: orNull(tests.get(round.round)?.loss),
    testAccuracy: orNull(tests.get(round.round)?.accuracy),
    ...(isRegression(run) && {
      testRmse: orNull(tests.get(round.round)?.rmse),
      testR2: orNull(tests.get(round.round)?.r2),
    }),
    ...classFields(tests.get(round.round)?.classes),
    ...taskFields(tests.get(round.round)?.tasks),
    ...openWorldFields(tests.get(round.round)?.openWorld),
    clientMean: orNull(clients.get(round.round)?.mean),
    clientWorstDecile: orNull(clients.get(round.round)?.worstDecile),
    ...ofOwnModels(clients.get(round.round)),
    nodeMean: orNull(nodes.get(round.round)?.mean),
    nodeWorst: orNull(nodes.get(round.round)?.worst),
    consensus: orNull(nodes.get(round.round)?.consensus),
    clients: orNull(round.clients),
    bytesDown: round.bytesDown,
    bytesUp: round.bytesUp,
    seconds: orNull(round.seconds),
    epsilon: orNull(round.privacy?.epsilon),
    simulatedSeconds: orNull(round.simulatedSeconds),
    staleness: orNull(round.staleness?.mean),
  }));
}

/** Accuracy on each task so far, their mean, and forgetting. */
function taskFields(tasks: RunData["evaluations"][number]["tasks"]) {
  if (tasks === undefined) return {};
  const { accuracies, mean, forgetting } = tasks;
  return { taskAccuracies: accuracies, taskMean: orNull(mean), forgetting: orNull(forgetting) };
}

/** Accuracy on labelled classes, and clustering accuracy on the others. */
function openWorldFields(openWorld: RunData["evaluations"][number]["openWorld"]) {
  return openWorld === undefined ? {} : { seen: orNull(openWorld.seen), unseen: orNull(openWorld.unseen) };
}

function tasksRow({ evaluations }: RunData): [string, string][] {
  const text = tasksText(evaluations.at(-1)?.tasks);
  return text === "" ? [] : [["tasks", text]];
}

/** Accuracies by class of the global model; those of groups where the data are long-tailed. */
function classFields(classes: RunData["evaluations"][number]["classes"]) {
  if (classes === undefined) return {};
  const { worst, ...groups } = classes;
  return { worstClass: orNull(worst), ...Object.fromEntries(Object.entries(groups).map(([k, v]) => [k, orNull(v)])) };
}

/** Whether the run predicts numbers: it has errors in place of accuracies. */
function isRegression({ start }: RunData): boolean {
  return start?.predicts === "numbers";
}

function print(summary: RunSummary, run: RunData, files: readonly string[], rounds: number, output: Output): void {
  const { bold } = output.colours;
  const width = Math.min(output.width, 110);
  const config = readConfig(run);
  const status = statusColour(summary.status, output.colours);
  output.print(
    `${bold(summary.name)}  run ${summary.id}, ${status}, started ${localTime(summary.startedAt)}`,
    ...(run.stopped === undefined ? [] : [run.stopped.message]),
    ...(summary.status === "unreadable" ? [unreadableText(run)] : []),
  );
  const about = [...(config === undefined ? [] : configSummary(config, run.start)), ...machine(run)];
  if (about.length > 0) output.print("", bold("Configuration"), ...labelled(about, width));
  output.print(roundTable(run, rounds, output), resultLines(summary, run, output));
  const reputations = reputationLines(run, width);
  if (reputations.length > 0) output.print("", bold("Reputations"), ...reputations);
  output.print(
    "",
    bold("Files"),
    `  ${summary.folder}`,
    files.map((file) => `    ${file}`),
  );
  if (summary.status === "interrupted") output.print("", `Continue with: ${commandName()} resume ${summary.id}`);
}

function unreadableText({ skippedEvents }: RunData): string {
  return `Its event log is damaged: ${formatPlural(skippedEvents, "line")} could not be read and ${skippedEvents === 1 ? "was" : "were"} left out.`;
}

/** Of the models that clients have for themselves; nothing where they have none. */
function ofOwnModels(evaluation: RunData["clientEvaluations"][number] | undefined) {
  const { personal, adapted } = evaluation ?? {};
  return {
    ...(personal && { personalMean: orNull(personal.mean), personalWorstDecile: orNull(personal.worstDecile) }),
    ...(adapted && { adaptedMean: orNull(adapted.mean), adaptedWorstDecile: orNull(adapted.worstDecile) }),
  };
}

function machine(run: RunData): [string, string][] {
  if (run.start === undefined) return [];
  const { executor, workers } = run.start;
  return [
    ["size", parametersText(run.start)],
    ["machine", `${executor.name} ${executor.version}, ${formatPlural(workers, "worker")}`],
  ];
}

/** Columns of clients' own models. */
const OWN_MODELS = [
  { key: "personalMean", head: "personal mean" },
  { key: "personalWorstDecile", head: "its bottom decile" },
  { key: "adaptedMean", head: "adapted mean" },
  { key: "adaptedWorstDecile", head: "its bottom decile" },
] as const;

function roundTable(run: RunData, count: number, output: Output): string[] {
  const history = historyOf(run);
  if (history.length === 0) return [];
  const withClients = history.some(({ clientMean }) => clientMean !== null);
  const own = OWN_MODELS.filter(({ key }) => history.some((round) => round[key] !== undefined));
  const hasNodes = history.some(({ nodeMean }) => nodeMean !== null);
  const isPrivate = spentBy(run) !== undefined;
  const isTimed = history.some(({ simulatedSeconds }) => simulatedSeconds !== null);
  const isAsynchronous = history.some(({ staleness }) => staleness !== null);
  const number = (value: number | null, format: (value: number) => string) => format(value ?? Number.NaN);
  const heads = [
    "round",
    "loss",
    "test loss",
    ...(isRegression(run) ? ["RMSE", "R2"] : ["accuracy"]),
    ...(withClients ? ["client mean", "bottom decile"] : []),
    ...own.map(({ head }) => head),
    ...(hasNodes ? ["node mean", "worst node", "consensus"] : []),
    "clients",
    "down",
    "up",
    "time",
    ...(isTimed ? ["simulated time"] : []),
    ...(isAsynchronous ? ["staleness"] : []),
    ...(isPrivate ? ["epsilon"] : []),
  ];
  const rows = history
    .slice(-count)
    .map((round) => [
      String(round.round),
      number(round.loss, formatFixed),
      number(round.testLoss, formatFixed),
      ...(isRegression(run)
        ? [number(round.testRmse ?? null, formatLoss), number(round.testR2 ?? null, formatR2)]
        : [number(round.testAccuracy, formatPercent)]),
      ...(withClients ? [number(round.clientMean, formatPercent), number(round.clientWorstDecile, formatPercent)] : []),
      ...own.map(({ key }) => number(round[key] ?? null, formatPercent)),
      ...(hasNodes
        ? [
            number(round.nodeMean, formatPercent),
            number(round.nodeWorst, formatPercent),
            number(round.consensus, formatFixed),
          ]
        : []),
      number(round.clients, formatCount),
      formatBytes(round.bytesDown),
      formatBytes(round.bytesUp),
      number(round.seconds, formatSeconds),
      ...(isTimed ? [number(round.simulatedSeconds, formatSeconds)] : []),
      ...(isAsynchronous ? [number(round.staleness, (value) => value.toFixed(2))] : []),
      ...(isPrivate ? [formatEpsilon(round.epsilon)] : []),
    ]);
  const shown = Math.min(count, history.length);
  const title =
    shown === history.length ? "Rounds" : `Rounds (last ${shown} of ${history.length}; --rounds shows more)`;
  const columns = heads.map((head) => ({ head, right: true }));
  return ["", output.colours.bold(title), ...table(columns, rows, output.width).map((line) => `  ${line}`)];
}

function resultLines(summary: RunSummary, run: RunData, output: Output): string[] {
  const result = summarise(run);
  const last = run.evaluations.at(-1);
  const pairs: [string, string][] = [
    ["rounds", `${summary.roundsDone} of ${summary.roundsTotal}`],
    [
      isRegression(run) ? "test error" : "accuracy",
      [
        isRegression(run)
          ? `RMSE ${formatLoss(result.rmse)}, R2 ${formatR2(result.r2)}`
          : formatPercent(result.accuracy),
        ...(last === undefined ? [] : [`test loss ${formatFixed(last.loss)}`]),
        ...(testNote(run) === "" ? [] : [testNote(run)]),
      ].join(", "),
    ],
    ...(isRegression(run) ? [] : [["best", bestText(result)] as [string, string]]),
    ...tasksRow(run),
    ...classRows(run, ["classes", "on hold-outs", "personal", "adapted"]),
    ["bytes", `${formatBytes(summary.bytesDown)} down, ${formatBytes(summary.bytesUp)} up`],
    ["time", `${formatSeconds(summary.seconds)} in rounds`],
    ...(spentBy(run) === undefined ? [] : [["privacy", spentText(run)] as [string, string]]),
    ...(run.failures.length === 0
      ? []
      : [["failed", `${formatPlural(run.failures.length, "client task")}`] as [string, string]]),
    ...(result.modelHash === "" ? [] : [["hash", `${result.modelHash} (of the final parameters)`] as [string, string]]),
  ];
  return ["", output.colours.bold("Result"), ...labelled(pairs, output.width)];
}

function bestText({ bestAccuracy, bestRound }: ReturnType<typeof summarise>): string {
  return `${formatPercent(bestAccuracy)}${Number.isFinite(bestRound) ? ` in round ${bestRound}` : ""}`;
}

/** The configuration of the run, or undefined where it cannot be read. */
function readConfig(run: RunData): Config | undefined {
  try {
    return parseConfig(run.configText, "config.toml");
  } catch {
    return undefined;
  }
}

/** Files of a run's folder that people open, sorted; folders end in a slash. */
async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => !entry.name.startsWith(".") && entry.name !== "lock")
    .map((entry) => (entry.isDirectory() ? join(entry.name, "/") : entry.name))
    .sort();
}
