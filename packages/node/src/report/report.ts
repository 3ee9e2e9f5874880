import { join } from "node:path";
import { formatEpsilon, scopeText, spentBy, testNote } from "@anabranch/core";
import { diskFileSystem } from "../store/disk-file-system.ts";
import { type FileSystem, replaceFile, storageError } from "../store/file-system.ts";
import {
  asynchronousText,
  formatBytes,
  formatCount,
  formatFixed,
  formatPercent,
  formatPlural,
  formatSeconds,
  parametersText,
  topologyText,
} from "../terminal/format.ts";
import { findBaselines, findFederations } from "./baselines.ts";
import { baselineSection } from "./baselines-section.ts";
import { classCard } from "./classes-section.ts";
import { clientCard, failureTable } from "./clients-section.ts";
import { type CompareOptions, comparePage } from "./compare.ts";
import type { RunGroup } from "./comparison.ts";
import { changedKeys } from "./config-differences.ts";
import { type FigureSection, figureSections, panelsOf, runFigures } from "./figures.ts";
import { type Html, html } from "./html.ts";
import { costCard, diagnosticsCard, trafficCard } from "./measures-section.ts";
import { chartControls, chartFile, gridSection, page, pairs, section, tiles } from "./page.ts";
import { privacyCard } from "./privacy-section.ts";
import { type RunData, readRunFolder } from "./run-data.ts";
import { endText } from "./run-end.ts";
import { groupBySeed } from "./run-groups.ts";
import { type ReportSummary, summarise } from "./summary.ts";
import { tasksCard } from "./tasks-section.ts";

/** The report of one run as a self-contained HTML page. The same run gives the same text. */
export function report(run: RunData, baselines: readonly RunData[] = []): string {
  return reportPage(run, runFigures(run, baselines), baselines);
}

/** One report from several runs: a table by configuration, and charts with one curve for each. */
export function compareReport(runs: readonly RunData[]): string {
  const groups = groupBySeed(runs);
  return groupReport(groups, { repeated: countRepeated(runs, groups) });
}

/** Runs that repeat a seed of their configuration: they are the same run, and count once. */
export function countRepeated(runs: readonly RunData[], groups: readonly RunGroup[]): number {
  return runs.length - groups.reduce((sum, group) => sum + group.runs.length, 0);
}

/** The same for runs that are grouped already. */
export function groupReport(groups: readonly RunGroup[], options: CompareOptions = {}): string {
  return comparePage(groups, figureSections(panelsOf(groups)), options);
}

/**
 * Writes report.html and charts/*.svg of a run into a folder; gives the paths written, relative to it.
 *
 * @throws `store/disk-full`, `store/not-writable`, `store/link`, `store/not-a-file`
 */
export async function writeReport(folder: string, run: RunData, files: FileSystem = diskFileSystem): Promise<string[]> {
  const baselines = (await findBaselines({ folder, run })).map((found) => found.run);
  const sections = runFigures(run, baselines);
  return writeFiles(folder, reportPage(run, sections, baselines), sections, files);
}

/** Draws the reports of the runs beside a baseline anew that it is one of; returns their folders. */
export async function redrawReports(folder: string): Promise<string[]> {
  const federations = await findFederations({ folder, run: readRunFolder(folder) });
  for (const { folder, run } of federations) await writeReport(folder, run);
  return federations.map(({ folder }) => folder);
}

/** The same for groups of runs. */
export async function writeGroupReport(
  folder: string,
  groups: readonly RunGroup[],
  options: CompareOptions = {},
  files: FileSystem = diskFileSystem,
): Promise<string[]> {
  const sections = figureSections(panelsOf(groups));
  return writeFiles(folder, comparePage(groups, sections, options), sections, files);
}

async function writeFiles(
  folder: string,
  text: string,
  sections: readonly FigureSection[],
  files: FileSystem,
): Promise<string[]> {
  try {
    await files.makeFolder(join(folder, "charts"));
  } catch (error) {
    throw storageError(error, { what: "the report", path: folder });
  }
  const charts = sections
    .flatMap(({ figures }) => figures)
    .map(({ id, title, plot }) => ({ path: `charts/${id}.svg`, contents: chartFile(title, plot) }));
  const written = [{ path: "report.html", contents: text }, ...charts];
  for (const { path, contents } of written) await replaceFile(files, join(folder, path), Buffer.from(contents));
  return written.map(({ path }) => path);
}

function reportPage(run: RunData, sections: readonly FigureSection[], baselines: readonly RunData[]): string {
  const summary = summarise(run);
  const cards: Readonly<Record<string, readonly Html[]>> = {
    Tasks: tasksCard(run),
    Classes: classCard(run),
    Clients: clientCard(run),
    Privacy: privacyCard(run),
    Diagnostics: diagnosticsCard(run),
    "Communication and time": [...trafficCard(run), ...costCard(run)],
  };
  const content = [
    header(run),
    keyMetrics(run, summary),
    ...baselineSection(run, baselines),
    chartControls(sections),
    ...sections.flatMap(({ heading, figures }) => gridSection(heading, figures, cards[heading])),
    ...(run.failures.length > 0 ? [section("Failed clients", failureTable(run))] : []),
    ...configuration(run),
    section("Environment", [environment(run)]),
    section("Reproduce", [reproduce(summary)]),
  ];
  return page(`${run.name} · Anabranch report`, content, sections);
}

function header(run: RunData): Html {
  const { start, stopped } = run;
  const end = endText(run);
  const badges = [start?.algorithm, start?.model, start?.dataset].filter((text) => text !== undefined && text !== "");
  return html`<header>
<p class="eyebrow">Anabranch report · run ${run.id}</p>
<h1>${run.name}</h1>
<ul class="badges"><li class="${end.tone}">${end.text}</li>
${badges.map((badge) => html`<li>${badge}</li>`)}
</ul>
${stopped === undefined || stopped.message === "" ? undefined : html`<p style="margin-top:12px">${stopped.message}</p>`}
</header>`;
}

function keyMetrics(run: RunData, summary: ReportSummary): Html {
  const spent = spentBy(run);
  const planned = Number.isFinite(summary.plannedRounds) ? `of ${formatCount(summary.plannedRounds)} planned` : "";
  return tiles([
    ...qualityTiles(run, summary),
    { label: "Test loss", value: formatFixed(summary.loss), note: testNote(run) },
    { label: "Rounds", value: formatCount(summary.rounds), note: planned },
    { label: "Uploaded", value: formatBytes(summary.bytesUp), note: "by all clients" },
    { label: "Downloaded", value: formatBytes(summary.bytesDown), note: "by all clients" },
    {
      label: "Time in rounds",
      value: formatSeconds(summary.seconds),
      note: summary.evaluationSeconds > 0 ? `${formatSeconds(summary.evaluationSeconds)} more in evaluation` : "",
    },
    ...(spent === undefined
      ? []
      : [
          {
            label: "Epsilon",
            value: formatEpsilon(spent.epsilon),
            note: `at delta ${spent.delta} (${spent.accountant})${scopeText(spent)}`,
          },
        ]),
    ...(summary.modelHash === ""
      ? []
      : [{ label: "Model", value: summary.modelHash.slice(0, 10), note: "hash of the final parameters" }]),
  ]);
}

function qualityTiles(run: RunData, summary: ReportSummary) {
  if (run.start?.predicts === "numbers") {
    return [
      { label: "Final RMSE", value: formatFixed(summary.rmse), note: testNote(run) },
      { label: "R2", value: formatFixed(summary.r2), note: "share of the test variance that is explained" },
    ];
  }
  return [
    { label: "Final accuracy", value: formatPercent(summary.accuracy), note: testNote(run) },
    {
      label: "Best accuracy",
      value: formatPercent(summary.bestAccuracy),
      note: Number.isFinite(summary.bestRound) ? `at round ${summary.bestRound}` : "",
    },
  ];
}

function configuration(run: RunData): Html[] {
  if (run.configText.trim() === "") return [];
  const changed = changedKeys(run.configText);
  const full = html`<pre tabindex="0">${run.configText.trim()}</pre>`;
  if (changed.length === 0) return [section("Configuration", [full])];
  return [
    section("Configuration", [
      html`<p>Keys that are not at their defaults:</p>`,
      pairs(changed),
      html`<details><summary>The whole configuration</summary>${full}</details>`,
    ]),
  ];
}

function environment(run: RunData): Html {
  const { start } = run;
  if (start === undefined) return html`<p>The run did not record its environment.</p>`;
  const count = (value: number) => (Number.isFinite(value) ? formatCount(value) : "");
  return pairs([
    ["Executor", `${start.executor.name} ${start.executor.version}`.trim()],
    ["Fingerprint", start.executor.fingerprint],
    ["Workers", count(start.workers)],
    ["Seed", Number.isFinite(start.seed) ? String(start.seed) : ""],
    ["Size", parametersText(start)],
    ["Clients", count(start.clients)],
    ["Cohort", start.asynchronous === undefined ? count(start.cohort) : asynchronousText(start.asynchronous)],
    ["Adapters", start.adapters ?? ""],
    ["Adapters that were kept", run.rounds.flatMap(({ aggregation }) => aggregation?.weights ?? []).join(", ")],
    ["Compression of uploads", start.compression ?? ""],
    ["Topology", start.topology === undefined ? "" : topologyText(start.topology)],
    ["Secure aggregation", start.secureAggregation ?? ""],
    ["Secure aggregation took", secureTime(run)],
    ...machine(run),
    ["Started", start.at],
    ["Resumed from round", start.resumedFrom === undefined ? "" : String(start.resumedFrom)],
    ["Unreadable events", run.skippedEvents === 0 ? "" : String(run.skippedEvents)],
  ]);
}

/** The machine, and the commit of the user's repository, as far as the run recorded them. */
function machine({ environment, start }: RunData): [string, string][] {
  const version: [string, string] = ["Anabranch", start?.packageVersion ?? ""];
  if (environment === undefined) return [version];
  const { node, system, processor, cores, memoryBytes, commit } = environment;
  return [
    version,
    ["Node", node],
    ["System", system],
    ["Processor", `${processor}, ${formatPlural(cores, "core")}, ${formatBytes(memoryBytes)} of memory`],
    ["Git commit", commit === undefined ? "" : `${commit} (changes that were not committed are not known)`],
  ];
}

/** Mean seconds that the protocol took per round. */
function secureTime({ rounds }: RunData): string {
  const sums = rounds.flatMap(({ secureAggregation }) => secureAggregation ?? []);
  if (sums.length === 0) return "";
  const mean = (seconds: readonly number[]) =>
    formatSeconds(seconds.reduce((total, value) => total + value, 0) / seconds.length);
  const server = `server ${mean(sums.map(({ serverSeconds }) => serverSeconds))} per round`;
  const clients = sums.flatMap(({ clientSeconds }) => clientSeconds ?? []);
  return clients.length === 0 ? server : `${server}, all clients together ${mean(clients)}`;
}

function reproduce(summary: ReportSummary): Html {
  const hash =
    summary.modelHash === ""
      ? undefined
      : html`<p>With the same data, package version and executor fingerprint, at any number of workers, the final model has this hash:</p>
<pre>${summary.modelHash}</pre>`;
  return html`<p>The configuration above is complete; the run's folder holds it as config.toml.</p>
<pre>npx anabranch run config.toml</pre>
${hash}`;
}
