import { AnabranchError, nearest } from "@anabranch/core";
import { type Command, Option } from "commander";
import { acceptsOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import { commented, templates } from "../templates/index.ts";
import { minimal } from "../templates/minimal.ts";
import { project } from "../templates/project.ts";
import type { NewFiles, Template } from "../templates/template.ts";
import { writeNewFiles } from "../templates/write-new-files.ts";

interface NewOptions {
  readonly template?: string;
  readonly minimal?: boolean;
  readonly project?: string;
  readonly force?: boolean;
  readonly label?: string;
  readonly group?: string;
}

export function addNew(program: Command): void {
  const template = new Option("-t, --template <name>", "what to write instead").conflicts("project");
  template.argChoices = templates.map(({ name }) => name); // for help and completion; findTemplate names the nearest
  const command = program
    .command("new")
    .description("Write a commented configuration with every key and its default, or another template.")
    .argument("[files...]", "file to write (default: federation.toml); with --template csv first the table")
    .addOption(template)
    .option("--minimal", "leave out comments and keys at their defaults")
    .option("--project <folder>", "make a folder with a configuration, an own model and an own method, with types")
    .option("--label <column>", "column that a csv federation predicts")
    .option("--group <column>", "column with the owner of each row, who becomes a client")
    .option("-f, --force", "overwrite existing files")
    .action(async (names: readonly string[], options: NewOptions, self: Command) => {
      const { output } = parseInvocation(self);
      const made = await make(names, options);
      const files = options.minimal === true ? minimal(made.files) : made.files;
      await writeNewFiles(files, options.force === true, options.project);
      const paths = files.map(({ path }) => path);
      if (output.json) return output.document({ file: paths[0], files: paths, next: made.next });
      for (const remark of made.remarks ?? []) output.note(remark);
      output.note(`Wrote ${paths.join(", ")}. Review ${paths.length === 1 ? "it" : "them"}, then: ${made.next}`);
    });
  acceptsOptions(command, "quiet");
  withExamples(
    command,
    ["anabranch new", "write the quickstart federation to federation.toml"],
    ["anabranch new digits.toml --minimal", "only the keys that are not at their defaults, for a run named digits"],
    ["anabranch new --template csv patients.csv --label sick", "a run on the rows of a table"],
    ["anabranch new --template private", "a run with differential privacy"],
    ["anabranch new --project mine", "a folder for an own model and an own method"],
  );
}

async function make(names: readonly string[], options: NewOptions): Promise<NewFiles> {
  const { template, project: folder, label, group } = options;
  const isTable = template === "csv";
  const [first, second, third] = names;
  if (folder !== undefined && first !== undefined) throw excess(first, "a project chooses the names of its files");
  const more = isTable ? third : second;
  if (more !== undefined) throw excess(more, "too many files given");
  if (!isTable && (label ?? group) !== undefined) throw noTable(label === undefined ? "--group" : "--label");
  if (folder !== undefined) return project(folder);
  if (!isTable) return findTemplate(template).make({ file: first });
  // the table comes first, but a configuration is known by its ending
  const file = names.length < 2 ? undefined : (names.find((name) => name.endsWith(".toml")) ?? second);
  return findTemplate(template).make({ file, source: names.find((name) => name !== file), label, group });
}

function excess(received: string, message: string): AnabranchError {
  const advice = "Leave the file out. See: anabranch new --help";
  return new AnabranchError({ code: "usage/excess-arguments", message, received, advice });
}

function noTable(option: string): AnabranchError {
  return new AnabranchError({
    code: "usage/option",
    message: `${option} names a column of a table`,
    expected: "--template csv TABLE",
    advice: "See: anabranch new --help",
  });
}

function findTemplate(name: string | undefined): Template {
  if (name === undefined) return commented;
  const found = templates.find((template) => template.name === name);
  if (found !== undefined) return found;
  const names = templates.map((template) => template.name);
  const near = nearest(name, names);
  throw new AnabranchError({
    code: "usage/invalid-value",
    message: "unknown template",
    received: name,
    expected: `one of ${names.join(", ")}`,
    advice: near === undefined ? "See: anabranch new --help" : `Did you mean ${near}?`,
  });
}
