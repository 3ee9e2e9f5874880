import { statSync } from "node:fs";
import { AnabranchError, nearest, usesOfSystem } from "@anabranch/core";
import type { Command } from "commander";
import { formatBibtex } from "../../docs/bibtex.ts";
import {
  type Cited,
  type CitedPaper,
  citedByConfig,
  citedByMethod,
  citedBySystem,
  type Use,
} from "../../docs/cited.ts";
import { methodCatalog, methodNamed } from "../../docs/method-catalog.ts";
import { findRun } from "../../store/find-run.ts";
import { openRunFolder } from "../../store/run-folder.ts";
import { readConfigFile } from "../config-file.ts";
import { acceptsOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";

export function addCite(program: Command): void {
  const command = program
    .command("cite")
    .description("Print BibTeX entries for the method, data set, partition, model and optimizer of a configuration.")
    .argument(
      "<source>",
      'configuration file, method, option by its name in the paper, or a run: id, name, folder or "last"',
    )
    .action(async (source: string, _options: unknown, self: Command) => {
      const { globals, output } = parseInvocation(self);
      const { papers, own } = await citedBy(source, globals.runs);
      if (output.json) return output.document(papers.map(paperDocument));
      output.print(papers.flatMap((paper, i) => [...(i === 0 ? [] : [""]), ...paperText(paper)]));
      if (own.length > 0) output.note(`No paper is known for ${own.join(", ")}. Cite your own parts yourself.`);
    });
  acceptsOptions(command, "quiet", "runs");
  withExamples(
    command,
    ["anabranch cite federation.toml > federation.bib", "all papers behind a configuration"],
    ["anabranch cite last", "the papers behind the latest run"],
    ["anabranch cite scaffold", "the papers of a method"],
    ["anabranch cite MoS", "the papers of a system that is an option"],
  );
}

/** A file comes first, then a method, then a run, then a system that is an option. */
async function citedBy(source: string, runs: string): Promise<Cited> {
  const config = async (file: string) => citedByConfig(await readConfigFile(file, { set: [], dataDir: undefined }));
  if (source.endsWith(".toml") || isFile(source)) return config(source);
  const methods = methodCatalog();
  const method = methods.find(({ name }) => name === source);
  if (method !== undefined) return citedByMethod(method);
  try {
    return await config((await openRunFolder((await findRun(runs, source)).folder)).paths.config);
  } catch (error) {
    const unknown = error instanceof AnabranchError && error.code === "run/not-found";
    if (!unknown) throw error;
    const cited = citedBySystem(source);
    if (cited.papers.length > 0) return cited;
    const names = methods.map(({ name }) => name);
    if (usesOfSystem(source).length > 0 || nearest(source, names) !== undefined) methodNamed(methods, source);
    throw error;
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** BibTeX ignores what stands between entries. */
function paperText({ entry, uses }: CitedPaper): string[] {
  return [...uses.map((use) => `% ${useText(use)}`), ...formatBibtex(entry).split("\n")];
}

/** `algorithm.name = "fedsam" (adaptive form)` */
function useText({ key, value, note }: Use): string {
  const set = value === undefined ? key : `${key} = ${JSON.stringify(value)}`;
  return `${set}${note === undefined ? "" : ` (${note})`}`;
}

function paperDocument({ citation, entry, uses }: CitedPaper) {
  const { authors, title, venue, year, arxiv, doi, url } = citation;
  return {
    key: entry.key,
    type: entry.type,
    authors,
    title,
    venue,
    year,
    arxiv: arxiv ?? null,
    doi: doi ?? null,
    url: url ?? null,
    usedBy: uses.map(({ key, value, note }) => ({ key, value: value ?? null, note: note ?? null })),
    bibtex: formatBibtex(entry),
  };
}
