import { largest, smallest } from "@anabranch/engine";
import { formatBytes, formatCount, formatFixed, formatPercent, formatSeconds } from "../terminal/format.ts";
import { seriesColour } from "./charts/theme.ts";
import { commonAccuracy } from "./comparison.ts";
import { configDifferences } from "./config-differences.ts";
import type { drawFigures } from "./figures.ts";
import { type Html, html } from "./html.ts";
import { runLabels } from "./labels.ts";
import { gridSection, page, section, table } from "./page.ts";
import type { RunData } from "./run-data.ts";
import { firstReaching, summarise } from "./summary.ts";

type Sections = ReturnType<typeof drawFigures>;

/** A page that puts several runs side by side. */
export function comparePage(runs: readonly RunData[], sections: Sections): string {
  const labels = runLabels(runs);
  const title = `Comparison of ${runs.length} runs`;
  return page(`${title} · Anabranch report`, [
    html`<header>
<p class="eyebrow">Anabranch report</p>
<h1>${title}</h1>
<ul class="badges">${runs.map((run, index) => html`<li>${swatch(index)}${badge(run, labels[index] ?? "")}</li>`)}</ul>
</header>`,
    ...results(runs, labels),
    ...sections.flatMap(({ heading, figures }) => gridSection(heading, figures)),
    ...differences(runs, labels),
    environments(runs, labels),
    ...configurations(runs, labels),
  ]);
}

function badge(run: RunData, label: string): string {
  const algorithm = run.start?.algorithm ?? "";
  return label.includes(algorithm) ? label : `${label}: ${algorithm}`;
}

function swatch(index: number): Html {
  return html`<span class="swatch" style="background:${seriesColour(index)}"></span>`;
}

function results(runs: readonly RunData[], labels: readonly string[]): Html[] {
  const summaries = runs.map(summarise);
  const target = commonAccuracy(runs);
  const reached = runs.map((run) => (target === undefined ? undefined : firstReaching(run, target)));
  const mark = (
    values: readonly number[],
    index: number,
    text: string,
    better: (values: readonly number[]) => number,
  ) => {
    const known = values.filter(Number.isFinite);
    return known.length > 1 && values[index] === better(known) ? html`<span class="best">${text}</span>` : text;
  };
  const final = summaries.map((summary) => summary.accuracy);
  const best = summaries.map((summary) => summary.bestAccuracy);
  const up = reached.map((point) => point?.bytesUp ?? Number.NaN);
  const toTarget = reached.map((point) => point?.round ?? Number.NaN);
  const rows = summaries.map((summary, index) => [
    html`${swatch(index)}${labels[index]}`,
    mark(final, index, formatPercent(summary.accuracy), largest),
    mark(best, index, formatPercent(summary.bestAccuracy), largest),
    formatCount(summary.bestRound),
    formatFixed(summary.loss),
    formatBytes(summary.bytesUp),
    formatSeconds(summary.seconds),
    mark(toTarget, index, formatCount(toTarget[index] ?? Number.NaN), smallest),
    mark(up, index, formatBytes(up[index] ?? Number.NaN), smallest),
    summary.status,
  ]);
  const share = target === undefined ? "target" : formatPercent(target, 1);
  const head = ["run", "final accuracy", "best accuracy", "rounds to best", "test loss", "uploaded", "time in rounds"];
  const note =
    target === undefined
      ? []
      : [
          html`<p>${share} is the highest accuracy that every run reaches, but for those that diverged or failed; the two columns before the last say what it costs. The best of a column is bold.</p>`,
        ];
  return [
    section("Results", [table([...head, `rounds to ${share}`, `upload to ${share}`, "status"], rows, [0, 9]), ...note]),
  ];
}

function differences(runs: readonly RunData[], labels: readonly string[]): Html[] {
  const rows = configDifferences(runs.map((run) => run.configText));
  if (rows.length === 0) return [];
  const texts = Array.from({ length: labels.length + 1 }, (_, index) => index);
  return [
    section("What differs in the configuration", [
      table(
        ["key", ...labels],
        rows.map(({ key, values }) => [key, ...values]),
        texts,
      ),
    ]),
  ];
}

function environments(runs: readonly RunData[], labels: readonly string[]): Html {
  const rows = runs
    .map((run, index) => ({ run, start: run.start, label: labels[index] ?? "" }))
    .map(({ run, start, label }) => [
      label,
      run.id,
      start === undefined ? "" : `${start.executor.name} ${start.executor.version}`.trim(),
      start?.executor.fingerprint ?? "",
      start === undefined ? "" : formatCount(start.workers),
      start !== undefined && Number.isFinite(start.seed) ? String(start.seed) : "",
      summarise(run).modelHash.slice(0, 10),
    ]);
  return section("Environment", [
    table(["run", "id", "executor", "fingerprint", "workers", "seed", "model hash"], rows, [0, 1, 2, 3, 6]),
  ]);
}

function configurations(runs: readonly RunData[], labels: readonly string[]): Html[] {
  const known = runs.map((run, index) => ({ text: run.configText.trim(), label: labels[index] }));
  const parts = known.filter(({ text }) => text !== "");
  if (parts.length === 0) return [];
  return [
    section("Configurations", [
      html`<p>Each run is repeated by <code>npx anabranch run config.toml</code> with its configuration.</p>`,
      ...parts.map(({ text, label }) => html`<details><summary>${label}</summary><pre>${text}</pre></details>`),
    ]),
  ];
}
