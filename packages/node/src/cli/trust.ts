import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { AnabranchError, type Config, printable } from "@anabranch/core";
import type { Command } from "commander";
import { type NamedFile, namedFiles } from "../run/named-files.ts";
import { TrustedFiles } from "../run/trusted-files.ts";
import { formatPlural } from "../terminal/format.ts";
import { writeLines } from "../terminal/terminal-text.ts";
import { terminalQuestion } from "./ask.ts";
import { failureWidth, renderFailure } from "./failure.ts";
import type { GlobalOptions } from "./globals.ts";

/** The option of a command that may run a configuration of somebody else. */
export interface TrustOption {
  readonly trust?: boolean;
}

export function withTrust(command: Command): Command {
  return command.option(
    "--trust",
    "run and read the files that a shared configuration refers to, without confirmation",
  );
}

/** Where configurations come from that are about to run. */
export interface Origin {
  /** A file of the configuration or a folder of a run, for errors. */
  readonly where: string;
  /**
   * What needs consent: "none" of a configuration that the user has written, "code" of one that may be somebody else's,
   * "all" files of one that lies in the folder of a run.
   */
  readonly ask: "none" | "code" | "all";
}

/**
 * Makes sure that the user agrees to the files that configurations name: files that this user has run before, --trust,
 * or a yes at the terminal. The files are then recorded, so that resuming an own run asks for nothing.
 *
 * @throws `trust/files` with each file, its path and its hash; `trust/declined` after a no
 */
export async function requireTrust(
  configs: readonly Config[],
  { where, ask }: Origin,
  { trust = false }: TrustOption,
  { dataDir, json }: GlobalOptions,
  answer = json ? undefined : terminalAnswer(),
): Promise<void> {
  const files = await namedFiles(configs, dataDir);
  const trusted = new TrustedFiles();
  const asked = files.filter(({ kind }) => ask === "all" || (ask === "code" && kind === "code"));
  const unknown = trust ? [] : await trusted.unknown(asked);
  if (unknown.length > 0) {
    const refusal = refused(unknown, where);
    if (answer === undefined) throw refusal;
    if (!(await answer(refusal))) throw declined(where);
  }
  await trusted.remember(files);
}

/** Whether a file lies in the folder of a run, at any depth; links are followed. */
export function liesInRunFolder(file: string): boolean {
  return folders(file).some((folder) => existsSync(join(folder, "events.jsonl"))) || isSavedConfig(file);
}

function folders(file: string): string[] {
  const above = (path: string): string[] => {
    const folder = dirname(path);
    return folder === path ? [] : [folder, ...above(folder)];
  };
  return [...above(resolve(file)), ...above(realPath(file))];
}

/** The resolved configuration of a run whose log is missing. */
function isSavedConfig(file: string): boolean {
  return [resolve(file), realPath(file)].some(
    (path) => basename(path) === "config.toml" && existsSync(join(dirname(path), "checkpoints")),
  );
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return resolve(file);
  }
}

function refused(files: readonly NamedFile[], where: string): AnabranchError {
  const code = files.some(({ kind }) => kind === "code");
  return new AnabranchError({
    code: "trust/files",
    message: code
      ? "this configuration refers to code that you have not run before"
      : "this configuration refers to files that you have not used before",
    where,
    received: files.map(describe).join("\n"),
    advice: code
      ? "Review these files first: the code runs with all your permissions. To run them, add --trust."
      : "Their contents can end up in the run's model and reports. To read them, add --trust.",
  });
}

/** The files were listed with the question. */
function declined(where: string): AnabranchError {
  return new AnabranchError({ code: "trust/declined", message: "nothing was run, as you declined", where });
}

function describe({ key, path, fingerprint }: NamedFile): string {
  if (fingerprint === undefined) return printable(`${key}: ${path}`);
  const { own, imports } = fingerprint;
  const more = imports.length === 0 ? "" : `, imports ${formatPlural(imports.length, "file")}: ${imports.join(", ")}`;
  return printable(`${key}: ${path} (sha256 ${own}${more})`);
}

/** Asks at the terminal; undefined where there is none. */
function terminalAnswer(): ((refusal: AnabranchError) => Promise<boolean>) | undefined {
  const ask = terminalQuestion();
  return (
    ask &&
    ((refusal) => {
      writeLines(process.stderr, renderFailure(refusal, failureWidth(process.stderr)));
      return ask("Run it?");
    })
  );
}
