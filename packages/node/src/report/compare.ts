import { formatCount, formatPlural } from "../terminal/format.ts";
import { type ComparisonOptions, compareGroups, groupLabel, type RunGroup } from "./comparison.ts";
import { comparisonTable, endNotes, rowsBySetting } from "./comparison-table.ts";
import { configDifferences } from "./config-differences.ts";
import type { FigureSection } from "./figures.ts";
import { type Html, html } from "./html.ts";
import { measuresSection } from "./measures-section.ts";
import { chartControls, gridSection, page, section, table } from "./page.ts";
import { seriesColour } from "./plot/colours.ts";
import { predictsNumbers } from "./quality.ts";
import { qualityText } from "./quality-text.ts";
import { classifyEnd, endText } from "./run-end.ts";
import { summarise } from "./summary.ts";

export interface CompareOptions extends ComparisonOptions {
  /** What was compared, such as the name of a sweep. */
  readonly title?: string;
  /** Runs that repeat a seed of their configuration and were left out. */
  readonly repeated?: number;
  /** Runs that could not even start and have no data. */
  readonly notStarted?: number;
}

/** A page that puts groups of runs side by side. Only groups of one setting are compared with one another. */
export function comparePage(
  groups: readonly RunGroup[],
  sections: readonly FigureSection[],
  options: CompareOptions = {},
): string {
  const methods = [...new Set(groups.map(({ method }) => method))];
  const settings = new Set(groups.map(({ setting }) => setting));
  const runs = groups.reduce((sum, group) => sum + group.runs.length, 0);
  const title = options.title ?? `Comparison of ${formatPlural(runs, "run")}`;
  const parts = [
    formatPlural(methods.length, "method"),
    ...(settings.size > 1 ? [formatPlural(settings.size, "setting")] : []),
    formatPlural(runs, "run"),
    ...(options.repeated ? [`${formatPlural(options.repeated, "repeated run")} left out`] : []),
  ];
  return page(
    `${title} · Anabranch report`,
    [
      html`<header>
<p class="eyebrow">Anabranch report · ${parts.join(", ")}</p>
<h1>${title}</h1>
<ul class="badges">${methods.map((method, index) => html`<li>${swatch(index)}${method}</li>`)}${badEnds(groups, options.notStarted)}</ul>
</header>`,
      results(groups, methods, options),
      ...measuresSection(
        compareGroups(groups, options).rows,
        groups.flatMap((group) => group.runs),
      ),
      chartControls(sections),
      ...sections.flatMap(({ heading, figures }) => gridSection(heading, figures)),
      ...differences(groups),
      runTable(groups, methods),
      ...configurations(groups),
    ],
    sections,
  );
}

function swatch(index: number): Html {
  return html`<span class="swatch" style="background:var(--${seriesColour(index)})"></span>`;
}

/** A red badge where runs failed or diverged. */
function badEnds(groups: readonly RunGroup[], notStarted = 0): Html[] {
  const ends = groups.flatMap(({ runs }) => runs.map(classifyEnd));
  const bad = ends.filter((end) => end === "failed" || end === "diverged").length + notStarted;
  return bad === 0 ? [] : [html`<li class="bad">${formatPlural(bad, "run")} failed or diverged</li>`];
}

function results(groups: readonly RunGroup[], methods: readonly string[], options: ComparisonOptions): Html {
  const comparison = compareGroups(groups, options);
  const { heads, rows, notes } = comparisonTable(comparison, options.target !== undefined);
  const ordered = rowsBySetting(comparison);
  const ends = endNotes(groups.map((group) => ({ label: groupLabel(group), ends: group.runs.map(classifyEnd) })));
  const cells = rows.map(([, ...metrics], at) => {
    const { method, setting } = ordered[at]!;
    const begins = setting !== "" && ordered[at - 1]?.setting !== setting;
    const name = html`${swatch(methods.indexOf(method))}${method}`;
    return { cells: [name, ...metrics], ...(begins && { heading: setting }) };
  });
  return section("Results", [
    table(["method", ...heads.slice(1)], cells, [0, 1]),
    html`<ul class="notes">${[...notes, ...ends].map((note) => html`<li>${note}</li>`)}</ul>`,
  ]);
}

function differences(groups: readonly RunGroup[]): Html[] {
  const rows = configDifferences(groups.map(({ runs }) => runs[0]?.configText ?? ""));
  const shown = rows.filter(({ key }) => key !== "seed" && key !== "name");
  if (shown.length === 0) return [];
  const labels = groups.map(groupLabel);
  const texts = Array.from({ length: labels.length + 1 }, (_, index) => index);
  return [
    section("What differs in the configuration", [
      table(
        ["key", ...labels],
        shown.map(({ key, values }) => ({ cells: [key, ...values] })),
        texts,
      ),
    ]),
  ];
}

function runTable(groups: readonly RunGroup[], methods: readonly string[]): Html {
  const rows = groups.flatMap((group) =>
    group.runs.map((run) => {
      const { start } = run;
      const end = endText(run);
      return {
        cells: [
          html`${swatch(methods.indexOf(group.method))}${groupLabel(group)}`,
          start !== undefined && Number.isFinite(start.seed) ? String(start.seed) : "",
          html`<span class="end ${end.tone}">${end.text}</span>`,
          qualityText(run),
          run.id,
          start === undefined ? "" : `${start.executor.name} ${start.executor.version}`.trim(),
          start?.executor.fingerprint ?? "",
          start === undefined ? "" : formatCount(start.workers),
          summarise(run).modelHash.slice(0, 10),
        ],
      };
    }),
  );
  const heads = [
    "method",
    "seed",
    "end",
    groups.every(({ runs }) => runs.every(predictsNumbers)) ? "RMSE" : "accuracy",
    "run",
    "executor",
    "fingerprint",
    "workers",
    "model hash",
  ];
  return section("Runs", [table(heads, rows, [0, 1, 2, 4, 5, 6, 8])]);
}

function configurations(groups: readonly RunGroup[]): Html[] {
  const known = groups.map((group) => ({ text: group.runs[0]?.configText.trim() ?? "", label: groupLabel(group) }));
  const parts = known.filter(({ text }) => text !== "");
  if (parts.length === 0) return [];
  return [
    section("Configurations", [
      html`<p>Each run is repeated by <code>npx anabranch run config.toml</code> with its configuration. These are those of the first seeds.</p>`,
      ...parts.map(
        ({ text, label }) => html`<details><summary>${label}</summary><pre tabindex="0">${text}</pre></details>`,
      ),
    ]),
  ];
}
