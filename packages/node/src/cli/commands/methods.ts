import { AnabranchError, nearest } from "@anabranch/core";
import type { Command } from "commander";
import { type MethodInfo, type MethodOption, methodCatalog } from "../../docs/method-catalog.ts";
import { listensTo, readCall } from "../globals.ts";
import { withExamples } from "../help.ts";
import type { Output } from "../output.ts";
import { labelled, table, together } from "../text.ts";

export function addMethods(program: Command): void {
  const command = program
    .command("methods")
    .description("List the federated methods: paper, wire cost, options; with a name, all about one.")
    .argument("[method]", "name of a method")
    .action((name: string | undefined, _options: unknown, self: Command) => {
      const { output } = readCall(self);
      const methods = methodCatalog();
      const chosen = name === undefined ? methods : [methodNamed(methods, name)];
      if (output.json) output.document({ methods: chosen.map(methodDocument) });
      else if (name === undefined) printTable(methods, output);
      else printMethod(chosen[0]!, output);
    });
  listensTo(command);
  withExamples(
    command,
    ["anabranch methods", "all methods"],
    ["anabranch methods scaffold", "update rule, symbols and options of one"],
  );
}

function printTable(methods: readonly MethodInfo[], output: Output): void {
  const columns = [
    { head: "method" },
    { head: "paper" },
    { head: "down" },
    { head: "up" },
    { head: together("options (symbol) = default") },
  ];
  const rows = methods.map((method) => [
    output.colours.bold(method.name),
    paper(method),
    method.wire.down,
    method.wire.up,
    method.options.map((option) => together(optionText(option))).join(", "),
  ]);
  output.print(
    ...table(columns, rows, output.width),
    "",
    "down, up: floats on the wire for each client and round; d is the number of parameters of the model.",
    "In a configuration, a symbol in brackets may stand for its option. More about one: anabranch methods NAME",
  );
}

function printMethod(method: MethodInfo, output: Output): void {
  const { colours } = output;
  const width = Math.min(output.width, 110);
  const { citation } = method;
  output.print(
    `${colours.bold(method.name)}: ${method.summary}`,
    "",
    ...labelled(
      [
        ["paper", `${citation.authors}, "${citation.title}", ${citation.venue}`],
        ...(citation.arxiv === undefined ? [] : [["", `https://arxiv.org/abs/${citation.arxiv}`] as const]),
        ["wire", `down ${method.wire.down}, up ${method.wire.up} (floats for each client and round)`],
        ["state", method.state],
        ["differs", method.differences],
      ],
      width,
    ),
    "",
    "Update rule",
    ...method.updateRule.map((line) => `  ${line}`),
    "",
    "Options in [algorithm]",
    ...labelled(
      method.options.map((option) => [optionText(option), option.description] as const),
      width,
    ),
  );
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
    citation: { ...citation, arxiv: citation.arxiv ?? null },
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

function methodNamed(methods: readonly MethodInfo[], name: string): MethodInfo {
  const found = methods.find((method) => method.name === name);
  if (found !== undefined) return found;
  const names = methods.map((method) => method.name);
  const near = nearest(name, names);
  throw new AnabranchError({
    code: "algorithm/unknown",
    message: "there is no algorithm of this name",
    received: JSON.stringify(name),
    expected: `one of ${names.join(", ")}`,
    ...(near === undefined ? {} : { advice: `Did you mean "${near}"?` }),
  });
}
