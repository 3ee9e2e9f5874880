import { spentBy, spentText } from "@anabranch/core";
import { markdownLine, markdownText } from "../docs/markdown-text.ts";
import { asynchronousText, formatBytes, formatCount, formatFixed, formatPercent } from "../terminal/format.ts";
import { NOT_COVERED, privacyGrounds, roundsText } from "./privacy.ts";
import type { RunData } from "./run-data.ts";
import { classifyEnd } from "./run-end.ts";
import { summarise } from "./summary.ts";

/**
 * What a model should be handed on with, as Markdown: what it is, how well it does, what its training gives away about
 * whom, and how to make it again. The same run gives the same text.
 */
export function modelCard(run: RunData): string {
  return [
    `# ${markdownText(run.name)}`,
    ...about(run),
    ...baselineNote(run),
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
  const rows: (readonly [string, string])[] = [
    ["model", markdownText(start?.model ?? "")],
    ["parameters", figure(start?.parameters, formatCount)],
    ["trained on", markdownText(start?.dataset ?? "")],
    ["method", markdownText(start?.algorithm ?? "")],
    ["clients", figure(start?.clients, formatCount)],
    start?.asynchronous === undefined
      ? ["clients per round", figure(start?.cohort, String)]
      : ["asynchronous rounds", asynchronousText(start.asynchronous)],
    ["rounds", String(summary.rounds)],
    ...(start?.testCovered === false
      ? []
      : [
          ["test accuracy", figure(summary.accuracy, formatPercent)] as const,
          ["test RMSE", figure(summary.rmse, formatFixed)] as const,
          ["test R2", figure(summary.r2, formatFixed)] as const,
          ["test loss", figure(summary.loss, formatFixed)] as const,
        ]),
    // the sum of uploads tells how many clients took part, which is no public number of a private run
    ["uploaded", spentBy(run) === undefined ? figure(summary.bytesUp, formatBytes) : ""],
    ["run", markdownText(run.id)],
    ["hash", markdownText(summary.modelHash)],
  ];
  const cells = rows.filter(([, value]) => value !== "").map(([name, value]) => `| ${name} | ${value} |`);
  return [["| | |", "|---|---|", ...cells].join("\n")];
}

function baselineNote({ start }: RunData): string[] {
  if (start?.baseline === undefined) return [];
  const how = {
    centralized: "Trained on the examples of all clients in one place.",
    "local-only":
      "The mean of models that clients trained alone. The metrics above are means over the clients' own models.",
    "public-only": "Trained on the public examples alone, without any example of the clients.",
  }[start.baseline];
  return [`**A baseline, made for comparison.** ${how}`];
}

/** Nothing that a private run must not release: it is judged by its released models alone. */
function warningOfFailure(run: RunData): string[] {
  const end = classifyEnd(run);
  if (end !== "diverged" && end !== "failed") return [];
  return [`**Not fit for use: the run ${end}.** ${markdownText(run.stopped?.message ?? "")}`];
}

function privacySection(run: RunData): string[] {
  if (spentBy(run) === undefined) return ["## Privacy", ...withoutGuarantee(run)];
  const list = (texts: readonly string[]) => texts.map((text) => `- ${markdownLine(text)}`).join("\n");
  const { done, assumptions, warnings } = privacyGrounds(run);
  return [
    "## Privacy",
    markdownLine(`${spentText(run)}, for ${roundsText(run)} together.`),
    ...(done === undefined ? [] : [`Done: ${markdownText(done)}.`]),
    ...(assumptions.length === 0 ? [] : ["Assumptions:", list(assumptions)]),
    ...(warnings.length === 0 ? [] : ["Warnings:", list(warnings)]),
    NOT_COVERED,
  ];
}

function withoutGuarantee({ start }: RunData): string[] {
  if (start?.baseline === "public-only")
    return ["No differential privacy, and no example of a client in its training. The model may leak public examples."];
  return [
    "No differential privacy: updates were neither clipped nor noised for it, and the model may leak individual clients' data.",
    ...(start?.serverFlopsPerStep === undefined
      ? []
      : ["The server had a part of the model, and received activations of the clients' examples in every step."]),
  ];
}
