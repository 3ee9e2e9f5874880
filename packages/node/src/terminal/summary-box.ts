import { type RunHistory, spentText, testNote } from "@anabranch/core";
import { classesText, openWorldText } from "../report/classes-text.ts";
import { diagnosticsShare, measuresOf, measureTexts } from "../report/measures.ts";
import { endText, tasksDone } from "../report/run-end.ts";
import { type ReportSummary, summarise } from "../report/summary.ts";
import { tasksText } from "../report/tasks-section.ts";
import type { Colours } from "./colours.ts";
import { formatBytes, formatFixed, formatPercent, formatPlural, formatSeconds } from "./format.ts";
import { formatLoss, formatR2 } from "./round-line.ts";
import { textWidth } from "./terminal-text.ts";

/** The result of a run in a box; without the frame where the terminal is narrower than the box. */
export function renderSummary(run: RunHistory, columns: number, colours: Colours): string[] {
  const rows = summaryRows(run);
  const labels = Math.max(...rows.map(([label]) => label.length));
  const lines = rows.map(([label, value]) => `${colours.dim(label.padEnd(labels))}  ${value}`);
  const { text: heading, tone } = endText(run);
  const colour = { good: colours.green, uncertain: colours.yellow, bad: colours.red }[tone];
  const coloured = colour(heading);
  const inner = Math.max(heading.length + 2, ...lines.map(textWidth));
  if (inner + 4 > columns) return [coloured, ...lines.map((line) => `  ${line}`)];
  return [
    `╭─ ${coloured} ${"─".repeat(inner - heading.length - 1)}╮`,
    ...lines.map((line) => `│ ${line}${" ".repeat(inner - textWidth(line))} │`),
    `╰${"─".repeat(inner + 2)}╯`,
  ];
}

function summaryRows(run: RunHistory): [string, string][] {
  const summary = summarise(run);
  const clients = run.clientEvaluations.at(-1);
  const nodes = run.nodeEvaluations.at(-1);
  const best = `${formatPercent(summary.bestAccuracy)} at round ${summary.bestRound}`;
  const [label, quality] =
    run.start?.predicts === "numbers"
      ? ["test error", `RMSE ${formatLoss(summary.rmse)}, R2 ${formatR2(summary.r2)}`]
      : ["accuracy", formatPercent(summary.accuracy)];
  const failures = run.failures.length;
  const trained = tasksDone(run);
  const rows: [string, string][] = [
    [label, [quality, testNote(run)].filter((text) => text !== "").join(", ")],
    ["best", Number.isFinite(summary.bestAccuracy) ? best : ""],
    ["test loss", formatLoss(summary.loss)],
    ["tasks", tasksText(run.evaluations.at(-1)?.tasks)],
    ["unlabelled", openWorldText(run.evaluations.at(-1)?.openWorld)],
    ["classes", classesText(run.evaluations.at(-1)?.classes)],
    ["clients", clientsText(clients)],
    ["personal", clientsText(clients?.personal)],
    ["adapted", clientsText(clients?.adapted)],
    [
      "nodes",
      nodes === undefined ? "" : `mean ${formatPercent(nodes.mean, 1)}, worst ${formatPercent(nodes.worst, 1)}`,
    ],
    ["consensus", nodes === undefined ? "" : `distance ${formatFixed(nodes.consensus, 3)} from the mean model`],
    ["failures", failures === 0 ? "" : `${failures} of ${failures + trained} client tasks`],
    ["rounds", String(summary.rounds)],
    ["time", timeOf(summary)],
    ["bytes", `${formatBytes(summary.bytesDown)} down, ${formatBytes(summary.bytesUp)} up`],
    [
      "cost",
      measureTexts(measuresOf(run), true)
        .map((pair) => pair.join(" "))
        .join(", "),
    ],
    ["diagnostics", diagnosticsText(run)],
    ["privacy", spentText(run)],
    ["model", summary.modelHash.slice(0, 16)],
  ];
  return rows.filter(([, value]) => value !== "");
}

type Evaluation = RunHistory["clientEvaluations"][number];

/** Of one model, or of clients' own, on the hold-outs of all clients; predicted numbers have no accuracy. */
function clientsText(evaluation: Evaluation | Evaluation["personal"]): string {
  if (evaluation === undefined) return "";
  if ("rmse" in evaluation && evaluation.rmse !== undefined) {
    const { mean, worstDecile } = evaluation.rmse;
    return `mean RMSE ${formatLoss(mean ?? Number.NaN)}, worst decile ${formatLoss(worstDecile ?? Number.NaN)}`;
  }
  const { mean, worstDecile } = evaluation;
  if (mean === null || worstDecile === null) return "";
  return `mean ${formatPercent(mean, 1)}, bottom decile ${formatPercent(worstDecile, 1)}`;
}

/** What diagnostics have cost; of a private run, that epsilon does not cover them. */
function diagnosticsText(run: RunHistory): string {
  if (run.diagnostics.length === 0) return "";
  const uncovered = run.diagnostics.some(({ covered }) => covered === false);
  return `${formatPercent(diagnosticsShare(run), 1)} of the time in rounds${uncovered ? ", not covered by epsilon" : ""}`;
}

function timeOf({ seconds, evaluationSeconds }: ReportSummary): string {
  const evaluation = evaluationSeconds > 0 ? `, ${formatSeconds(evaluationSeconds)} in evaluation` : "";
  return `${formatSeconds(seconds)} in rounds${evaluation}`;
}

/** Where the files of a run are; the charts count as one entry. */
export function renderFiles(folder: string, files: readonly string[], colours: Colours): string[] {
  if (files.length === 0) return [];
  const charts = files.filter((file) => file.startsWith("charts/"));
  const others = files.filter((file) => !file.startsWith("charts/"));
  const entries = charts.length === 0 ? others : [...others, `charts/ (${formatPlural(charts.length, "SVG file")})`];
  const report = files.find((file) => file === "report.html");
  return [
    `${colours.dim("files in")} ${folder}`,
    ...entries.map((entry) => `  ${entry}`),
    ...(report === undefined ? [] : [`${colours.dim("report")}   ${folder.replace(/\/$/, "")}/${report}`]),
  ];
}
