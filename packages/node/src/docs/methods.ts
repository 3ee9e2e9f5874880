/** Writes METHODS.md from the headers of the methods: `npm run docs:methods`. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { optionReferences, optionUse, toolReferences } from "@anabranch/core";
import { type Citation, parseCitations } from "./citation.ts";
import { markdownTable } from "./markdown-table.ts";
import { type MethodInfo, type MethodOption, methodCatalog, methodTests } from "./method-catalog.ts";

const FOLDER = "packages/core/src/algorithms";

/** Where METHODS.md lies. */
export const methodsFile = fileURLToPath(new URL("../../../../METHODS.md", import.meta.url));

const resultsFolder = fileURLToPath(new URL("../../../../experiments/results", import.meta.url));

/** The text of METHODS.md. */
export function methodsPage(methods: readonly MethodInfo[] = methodCatalog()): string {
  const files = [...Map.groupBy(methods, ({ file }) => file).values()];
  const anchors = anchorsOf(files.map(heading));
  const sweeps = experiments();
  return [
    "# Methods",
    "",
    "<!-- Written by `npm run docs:methods` from the headers of the methods' files. Change those, not this page. -->",
    "",
    'Each method is one file; its name is what `[algorithm] name = "..."` and `anabranch methods` call it. Wire costs are',
    "floats for each client of the cohort and round, where *d* is the number of the model's parameters.",
    "[Robust rules](docs/robustness.md) combine the updates of most of them in place of a mean.",
    "",
    ...markdownTable(
      ["method", "paper", "down", "up", "options"],
      methods.map((method) => [
        `[\`${method.name}\`](#${anchors[files.findIndex((shared) => shared.includes(method))]})`,
        paper(method),
        method.wire.down,
        method.wire.up,
        method.options.map(({ name }) => `\`${name}\``).join(", ") || "none",
      ]),
    ),
    "",
    ...optionPapers(),
    ...files.flatMap((shared) => section(shared, sweeps)),
  ].join("\n");
}

/** Systems of papers that are no methods: options beside any method, commands, and functions of the library. */
function optionPapers(): string[] {
  const rows = Object.entries({ ...optionReferences, ...toolReferences }).flatMap(([key, papers]) =>
    Object.entries(papers).flatMap(([value, texts]) =>
      texts.map((text) => {
        const [citation] = parseCitations(text, (problem) => new TypeError(`${key}: ${problem}`));
        return [`\`${optionUse(key, value)}\``, citation.note ?? "", paper({ citation })];
      }),
    ),
  );
  return [
    "## Options, commands and functions",
    "",
    ...wrapped(
      "Systems that work beside any method are options, which the [configuration](docs/configuration.md) explains. Others are [commands](docs/command-line.md), or functions of `@anabranch/core`. Where a paper names no system of its own, the second column is empty.",
    ),
    "",
    ...markdownTable(["in use", "system", "paper"], rows),
  ];
}

/** Rows of the experiments that ran a method. */
interface Measured {
  readonly name: string;
  readonly rows: readonly {
    readonly label: string;
    readonly algorithm: string | null;
    readonly accuracy: { readonly mean: number | null; readonly deviation: number | null };
  }[];
}

/** A sweep with more rows of one method says more of its settings, e.g. attacks, than of the method. */
const MOST_ROWS = 12;

/** What the experiments measured of a method, a line for each sweep. */
function measured({ name }: MethodInfo, sweeps: readonly Measured[]): string[] {
  return sweeps.flatMap((sweep) => {
    const rows = sweep.rows.filter(({ algorithm, accuracy }) => algorithm === name && accuracy.mean !== null);
    if (rows.length === 0) return [];
    if (rows.length > MOST_ROWS) {
      return [`- Measured ([experiments](experiments/README.md), ${sweep.name}): ${rows.length} settings.`];
    }
    const accuracies = rows.map(({ label, accuracy }) => `${label} ${percent(accuracy.mean!, accuracy.deviation)}`);
    return [`- Measured ([experiments](experiments/README.md), ${sweep.name}): ${accuracies.join("; ")}.`];
  });
}

function experiments(): Measured[] {
  if (!existsSync(resultsFolder)) return []; // no sweep of them was carried out yet
  const files = readdirSync(resultsFolder).filter((file) => file.endsWith(".json"));
  return files.sort().map((file) => JSON.parse(readFileSync(join(resultsFolder, file), "utf8")) as Measured);
}

function percent(mean: number, deviation: number | null): string {
  const spread = deviation === null ? "" : ` ± ${(deviation * 100).toFixed(2)}`;
  return `${(mean * 100).toFixed(2)}${spread} %`;
}

/** Methods that share a file share a section. */
function section(methods: readonly MethodInfo[], sweeps: readonly Measured[]): string[] {
  const method = methods[0]!;
  const { citation, furtherCitations, file } = method;
  const testFiles = [...new Set(methods.flatMap(({ name }) => methodTests(name)))].sort();
  return [
    "",
    `## ${heading(methods)}`,
    "",
    ...wrapped(`**${method.title}.** ${sentence(method.summary)}`),
    "",
    ...wrapped([citation, ...furtherCitations].map(citationText).join(" ")),
    "",
    "```text",
    ...method.updateRule,
    "```",
    "",
    ...optionTable(methods),
    ...[
      `- State: ${sentence(method.state)}`,
      `- Wire: down ${method.wire.down}, up ${method.wire.up}.`,
      `- Differences: ${sentence(method.differences)}`,
      ...methods.flatMap((one) => measured(one, sweeps)),
      `- File: [${file}](${FOLDER}/${file}); tests: ${testFiles.map((t) => `[${t}](${FOLDER}/${t})`).join(", ")}.`,
    ].flatMap(wrapped),
  ];
}

const WIDTH = 100;

/** A paragraph or an item of a list in lines. None begins with what Markdown reads as the mark of an item or a heading. */
function wrapped(text: string): string[] {
  const indent = text.startsWith("- ") ? "  " : "";
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    const fits = line !== undefined && line.length + 1 + word.length <= WIDTH;
    if (line === undefined) lines.push(word);
    else if (fits || /^([-+*>=#|]|\d+[.)]$)/.test(word)) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(indent + word);
  }
  return lines;
}

/** "Adaptive form: D. Caldarola, ..., ECCV 2022, arXiv:2203.11834." */
function citationText({ note, authors, title, venue, arxiv, doi }: Citation): string {
  const links = [
    ...(doi === undefined ? [] : [`[doi:${doi}](https://doi.org/${doi})`]),
    ...(arxiv === undefined ? [] : [arxivLink(arxiv)]),
  ];
  const text = [authors, `"${title}"`, venue, ...links].join(", ");
  return sentence(note === undefined ? text : `${note}: ${text}`);
}

function heading(methods: readonly MethodInfo[]): string {
  return methods.map(({ name }) => name).join(", ");
}

function optionTable(methods: readonly MethodInfo[]): string[] {
  const names = [...new Set(methods.flatMap(({ options }) => options.map(({ name }) => name)))];
  if (names.length === 0) return [];
  const rows = names.map((name) => {
    const variants = methods.map(({ options }) => options.find((option) => option.name === name));
    const { symbol, description } = variants.find((option) => option !== undefined)!;
    return [`\`${name}\``, symbol === undefined ? "" : `\`${symbol}\``, defaults(methods, variants), description];
  });
  return [...markdownTable(["option", "symbol", "default", "meaning"], rows), ""];
}

/** One value where all methods agree, else the value of each. */
function defaults(methods: readonly MethodInfo[], variants: readonly (MethodOption | undefined)[]): string {
  const texts = variants.map((option) => (option === undefined ? "no such option" : defaultText(option)));
  if (new Set(texts).size === 1) return texts[0]!;
  return texts.map((text, i) => `${methods[i]!.name}: ${text}`).join(", ");
}

function defaultText({ required, defaultValue }: MethodOption): string {
  if (defaultValue !== undefined) return `\`${JSON.stringify(defaultValue)}\``;
  return required ? "required" : "none";
}

function paper({ citation }: Pick<MethodInfo, "citation">): string {
  const first = citation.authors.split(",")[0]!;
  const others = citation.authors.includes(",") ? " et al." : "";
  const link = citation.arxiv === undefined ? "" : `, ${arxivLink(citation.arxiv)}`;
  return `${first}${others}, ${citation.venue}${link}`;
}

function arxivLink(id: string): string {
  return `[arXiv:${id}](https://arxiv.org/abs/${id})`;
}

/** GitHub's anchors of headings in order: one that came before is numbered ("fedbcgd" and "fedbcgd+" are spelled alike). */
function anchorsOf(headings: readonly string[]): string[] {
  const spelled = headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\w -]/g, "")
      .replaceAll(" ", "-"),
  );
  return spelled.map((anchor, i) => {
    const before = spelled.slice(0, i).filter((other) => other === anchor).length;
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
}

function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}

/** Whether METHODS.md says what the headers say. */
export function methodsPageIsCurrent(): boolean {
  return readFileSync(methodsFile, "utf8") === `${methodsPage()}\n`;
}

if (import.meta.main) {
  writeFileSync(methodsFile, `${methodsPage()}\n`);
  console.log(`Wrote ${methodsFile}`);
}
