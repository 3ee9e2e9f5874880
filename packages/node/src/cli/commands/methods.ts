import type { Command } from "commander";
import type { Citation } from "../../docs/citation.ts";
import { type MethodInfo, type MethodOption, methodCatalog, methodNamed } from "../../docs/method-catalog.ts";
import { acceptsOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import type { Output } from "../output.ts";
import { labelled, table, wrap } from "../text.ts";

export function addMethods(program: Command): void {
  const command = program
    .command("methods")
    .description("List the federated methods with wire cost and paper, or describe one with its options.")
    .argument("[method]", "name of a method")
    .action((name: string | undefined, _options: unknown, self: Command) => {
      const { output } = parseInvocation(self);
      const methods = methodCatalog();
      const chosen = name === undefined ? methods : [methodNamed(methods, name)];
      if (output.json) output.document({ methods: chosen.map(methodDocument) });
      else if (name === undefined) printTable(methods, output);
      else printMethod(chosen[0]!, output);
    });
  acceptsOptions(command);
  withExamples(
    command,
    ["anabranch methods", "all methods"],
    ["anabranch methods scaffold", "update rule, symbols and options of one method"],
  );
}

function printTable(methods: readonly MethodInfo[], output: Output): void {
  const columns = [{ head: "method" }, { head: "down" }, { head: "up" }, { head: "paper" }];
  const rows = methods.map((method) => [
    output.colours.bold(method.name),
    shortCost(method.wire.down),
    shortCost(method.wire.up),
    paper(method),
  ]);
  output.print(
    ...table(columns, rows, output.width),
    "",
    "down, up: floats sent per client and round; d is the number of model parameters.",
    "For options, details and full wire costs: anabranch methods NAME",
    "Rules against clients that send anything are options of any method: [aggregation] rule, docs/robustness.md.",
  );
}

const WIDEST_COST = 24;

/** A cost as a cell: of a long one its formula or first words, without what follows. */
function shortCost(cost: string): string {
  if (cost.length <= WIDEST_COST) return cost;
  const formula = cost.split(/;| on average| \(/)[0]!;
  const fits = formula.length <= WIDEST_COST;
  return `${fits ? formula : formula.slice(0, formula.lastIndexOf(" ", WIDEST_COST))} …`;
}

function printMethod(method: MethodInfo, output: Output): void {
  const { colours } = output;
  const width = Math.min(output.width, 110);
  output.print(
    ...wrap(`${colours.bold(method.name)}: ${method.summary}`, width),
    "",
    ...labelled(
      [
        ...citationLines("paper", method.citation),
        ...method.furtherCitations.flatMap((further) => citationLines(further.note ?? "", further)),
        ["wire", `down ${method.wire.down}, up ${method.wire.up} (floats per client and round)`],
        ["state", method.state],
        ["differs", method.differences],
      ],
      width,
    ),
    "",
    "Update rule",
    ...method.updateRule.map((line) => `  ${line}`),
    "",
    "Options in [algorithm] (an option may be set by the symbol in brackets)",
    ...labelled(
      method.options.map((option) => [optionText(option), option.description] as const),
      width,
    ),
  );
}

function citationLines(label: string, { authors, title, venue, arxiv }: Citation): (readonly [string, string])[] {
  const address: (readonly [string, string])[] = arxiv === undefined ? [] : [["", `https://arxiv.org/abs/${arxiv}`]];
  return [[label, `${authors}, "${title}", ${venue}`], ...address];
}

/** "serverMomentum (beta) = 0.9" */
function optionText({ name, symbol, required, defaultValue }: MethodOption): string {
  const alias = symbol === undefined ? "" : ` (${symbol})`;
  if (defaultValue !== undefined) return `${name}${alias} = ${JSON.stringify(defaultValue)}`;
  return `${name}${alias}${required ? " (required)" : ""}`;
}

/** "T. Li et al., MLSys 2020, arXiv:1812.06127" */
function paper({ citation }: MethodInfo): string {
  const [first = "", ...others] = citation.authors.split(", ");
  const arxiv = citation.arxiv === undefined ? "" : `, arXiv:${citation.arxiv}`;
  return `${first}${others.length === 0 ? "" : " et al."}, ${citation.venue}${arxiv}`;
}

function methodDocument({
  name,
  file,
  title,
  summary,
  citation,
  furtherCitations,
  wire,
  state,
  updateRule,
  symbols,
  differences,
  options,
}: MethodInfo) {
  return {
    name,
    title,
    summary,
    citation: citationDocument(citation),
    furtherCitations: furtherCitations.map(citationDocument),
    wire,
    state,
    updateRule,
    differences,
    options: options.map(({ name, symbol, required, defaultValue, description }) => ({
      name,
      symbol: symbol ?? null,
      required,
      default: defaultValue ?? null,
      description,
    })),
    /** The paper's symbols that are accepted in the place of an option, with the option's default. */
    aliases: Object.fromEntries(
      options.flatMap(({ name, symbol, defaultValue }) =>
        symbol === undefined ? [] : [[symbol, { option: name, default: defaultValue ?? null }]],
      ),
    ),
    symbols,
    file,
  };
}

function citationDocument({ note, arxiv, doi, url, ...rest }: Citation) {
  return { ...rest, note: note ?? null, arxiv: arxiv ?? null, doi: doi ?? null, url: url ?? null };
}
