import { exampleCount, partitioners } from "@anabranch/core";
import { AnabranchError } from "@anabranch/engine";
import type { Command } from "commander";
import { type DatasetEntry, listDatasets, loadDataset } from "../../data/load-dataset.ts";
import { datasetSources } from "../../data/sources.ts";
import { formatBytes, formatCount } from "../../terminal/format.ts";
import { eraseLine, writeLines, writePassing } from "../../terminal/terminal-text.ts";
import { acceptsOptions, type GlobalOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import type { Output } from "../output.ts";
import { table } from "../text.ts";

export function addDatasets(program: Command): void {
  const command = program
    .command("datasets")
    .description("List the data sets and partition schemes, or download a data set.")
    .option("--download <name>", "download a data set into the cache folder, unless it is already on this machine")
    .action(async (options: { download?: string }, self: Command) => {
      const { globals, output } = parseInvocation(self);
      if (options.download !== undefined) return download(options.download, globals, output);
      const datasets = listDatasets().map((entry) => ({ ...entry, download: hasDownload(entry.name) }));
      const schemes = Object.entries(partitioners).map(([name, { summary }]) => ({ name, summary }));
      if (output.json) return output.document({ datasets, partitioners: schemes });
      const { bold } = output.colours;
      output.print(
        ...table(
          [{ head: "data set" }, { head: "from" }, { head: "what" }],
          datasets.map((entry) => [bold(entry.name), origin(entry), entry.description]),
          output.width,
        ),
        "",
        ...table(
          [{ head: "partition" }, { head: "label distribution across clients" }],
          schemes.map(({ name, summary }) => [bold(name), summary]),
          output.width,
        ),
        "",
        'In a configuration: [data] dataset = "NAME" and [data.partition] scheme = "NAME".',
      );
    });
  acceptsOptions(command, "quiet", "dataDir");
  withExamples(
    command,
    ["anabranch datasets", "list data sets and partitions"],
    ["anabranch datasets --download fashion-mnist", "download all 70,000 images (30 MB)"],
  );
}

function origin({ name, shipped, download: known }: DatasetEntry & { download: boolean }): string {
  if (shipped) return "shipped";
  if (name.includes(":")) return "own files";
  return known ? "files or download" : "files";
}

function hasDownload(name: string): boolean {
  return Object.hasOwn(datasetSources, name);
}

async function download(name: string, globals: GlobalOptions, output: Output): Promise<void> {
  const known = listDatasets().find((entry) => entry.name === name);
  if (known !== undefined && !known.shipped && !hasDownload(name)) {
    throw new AnabranchError({
      code: "data/no-download",
      message: "this data set has no download",
      received: JSON.stringify(name),
      expected: `one of ${Object.keys(datasetSources).join(", ")}`,
      advice: "Download its files yourself, then pass their folder as --data-dir.",
    });
  }
  const data = await loadDataset(name, {
    ...(globals.dataDir === undefined ? {} : { dataDir: globals.dataDir }),
    download: { onProgress: progressLine(output) },
  });
  const [train, test] = [exampleCount(data.train), exampleCount(data.test)];
  if (output.json) output.document({ dataset: name, train, test, classes: data.train.classes });
  else output.note(`${name} is here: ${formatCount(train)} training and ${formatCount(test)} test examples.`);
}

/** One line on the terminal that is written over as bytes arrive. */
function progressLine(output: Output) {
  const { stderr } = process;
  return ({
    url,
    receivedBytes,
    totalBytes,
  }: {
    url: string;
    receivedBytes: number;
    totalBytes: number | undefined;
  }) => {
    if (output.quiet || output.json || !stderr.isTTY) return;
    const whole = totalBytes === undefined ? "" : ` of ${formatBytes(totalBytes)}`;
    const line = `${url.slice(url.lastIndexOf("/") + 1)}  ${formatBytes(receivedBytes)}${whole}`;
    eraseLine(stderr);
    if (receivedBytes === totalBytes) writeLines(stderr, [line]);
    else writePassing(stderr, line);
  };
}
