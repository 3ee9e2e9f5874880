import { writeFile } from "node:fs/promises";
import { basename, extname } from "node:path";
import { AnabranchError, commentedTemplate } from "@anabranch/core";
import type { Command } from "commander";
import { hasCode, storageError } from "../../store/file-system.ts";
import { acceptsOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";

export function addNew(program: Command): void {
  const command = program
    .command("new")
    .description("Write a commented configuration with every key and its default.")
    .argument("[file]", "file to write", "federation.toml")
    .option("-f, --force", "overwrite an existing file")
    .action(async (file: string, options: { force?: boolean }, self: Command) => {
      const { output } = parseInvocation(self);
      const name = basename(file, extname(file));
      await writeNew(file, commentedTemplate(name), options.force === true);
      if (output.json) output.document({ file });
      else output.note(`Wrote ${file}. Review it, then start the run with: anabranch run ${file}`);
    });
  acceptsOptions(command, "quiet");
  withExamples(
    command,
    ["anabranch new", "write the quickstart federation to federation.toml"],
    ["anabranch new digits.toml", "the same for a run named digits"],
  );
}

/** @throws `config/exists` where there is such a file and `force` is not set */
async function writeNew(file: string, text: string, force: boolean): Promise<void> {
  try {
    await writeFile(file, text, { flag: force ? "w" : "wx" });
  } catch (error) {
    if (hasCode(error, "EEXIST")) {
      throw new AnabranchError({
        code: "config/exists",
        message: "the file already exists and was not changed",
        where: file,
        advice: "Choose another name, or overwrite it with --force.",
        cause: error,
      });
    }
    if (hasCode(error, "ENOENT", "ENOTDIR", "EISDIR")) {
      throw new AnabranchError({
        code: "config/not-writable",
        message: "the file cannot be written",
        where: file,
        received: error.message,
        expected: "a file name in a folder that exists",
        cause: error,
      });
    }
    throw storageError(error, { what: "the configuration", path: file, bytes: text.length });
  }
}
