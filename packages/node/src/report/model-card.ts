import { formatBytes, formatCount, formatFixed, formatPercent } from "../terminal/format.ts";
import { groundsOf, NOT_COVERED, roundsText, spentBy, spentText } from "./privacy.ts";
import type { RunData } from "./run-data.ts";
import { endOf } from "./run-end.ts";
import { summarise } from "./summary.ts";

/**
 * What a model should be handed on with, as Markdown: what it is, how well it does, what its training gives away about
 * whom, and how to make it again. The same run gives the same text.
 */
export function modelCard(run: RunData): string {
  return [
    `# ${line(run.name)}`,
    ...about(run),
    ...warningOfFailure(run),
    ...privacySection(run),
    "## Reproduce",
    "config.toml beside this file is complete: `npx anabranch run config.toml`.",
  ]
    .join("\n\n")
    .concat("\n");
}

function about(run: RunData): string[] {
  const { start } = run;
  const summary = summarise(run);
  const figure = (value: number | undefined, text: (value: number) => string) =>
    value !== undefined && Number.isFinite(value) ? text(value) : "";
  const rows: [string, string][] = [
    ["model", line(start?.model ?? "")],
    ["parameters", figure(start?.parameters, formatCount)],
    ["trained on", line(start?.dataset ?? "")],
    ["method", line(start?.algorithm ?? "")],
    ["clients", figure(start?.clients, formatCount)],
    ["clients a round", figure(start?.cohort, String)],
    ["rounds", String(summary.rounds)],
    ["test accuracy", figure(summary.accuracy, formatPercent)],
    ["test loss", figure(summary.loss, formatFixed)],
    ["uploaded", figure(summary.bytesUp, formatBytes)],
    ["run", line(run.id)],
    ["hash", line(summary.modelHash)],
  ];
  const cells = rows.filter(([, value]) => value !== "").map(([name, value]) => `| ${name} | ${value} |`);
  return [["| | |", "|---|---|", ...cells].join("\n")];
}

/** Nothing that a private run must not release: it is judged by its released models alone. */
function warningOfFailure(run: RunData): string[] {
  const end = endOf(run);
  if (end !== "diverged" && end !== "failed") return [];
  return [`**Not fit for use: the run ${end}.** ${line(run.stopped?.message ?? "")}`];
}

function privacySection(run: RunData): string[] {
  if (spentBy(run) === undefined) {
    return [
      "## Privacy",
      "No differential privacy: updates were neither clipped nor noised for it, and the model may show what single clients hold.",
    ];
  }
  const list = (texts: readonly string[]) => texts.map((text) => `- ${line(text)}`).join("\n");
  const { done, assumptions, warnings } = groundsOf(run);
  return [
    "## Privacy",
    `${spentText(run)}, for ${roundsText(run)} together.`,
    ...(done === undefined ? [] : [`Done: ${line(done)}.`]),
    ...(assumptions.length === 0 ? [] : ["It rests on:", list(assumptions)]),
    ...(warnings.length === 0 ? [] : ["Warnings:", list(warnings)]),
    NOT_COVERED,
  ];
}

/** Text of the run on one line of Markdown, without marks that would form a table, a link or HTML. */
function line(text: string): string {
  return text
    .replace(/\s+/g, " ")
    .replace(/[\\`*_[\]<>|#]/g, "\\$&")
    .trim();
}
