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
}

export function addNew(program: Command): void {
  const names = templates.map(({ name }) => name);
  const command = program
    .command("new")
    .description("Write a commented configuration with every key and its default, or another template.")
    .argument("[file]", "file to write (default: federation.toml)")
    .addOption(new Option("-t, --template <name>", `what to write: ${names.join(", ")}`).conflicts("project"))
    .option("--minimal", "leave out comments and keys at their defaults")
    .option("--project <folder>", "make a folder with a configuration, an own model and an own method, with types")
    .option("-f, --force", "overwrite existing files")
    .action(async (file: string | undefined, options: NewOptions, self: Command) => {
      const { output } = parseInvocation(self);
      const made = await make(file, options);
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
    ["anabranch new --template private", "a run with differential privacy"],
    ["anabranch new --project mine", "a folder for an own model and an own method"],
  );
}

async function make(file: string | undefined, { template, project: folder }: NewOptions): Promise<NewFiles> {
  if (folder === undefined) return findTemplate(template).make({ file });
  if (file === undefined) return project(folder);
  throw new AnabranchError({
    code: "usage/excess-arguments",
    message: "a project chooses the names of its files",
    received: file,
    advice: "Leave the file out. See: anabranch new --help",
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
