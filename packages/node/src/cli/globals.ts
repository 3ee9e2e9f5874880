import { AnabranchError } from "@anabranch/engine";
import { type Command, InvalidArgumentError, Option } from "commander";
import { createOutput, type Output } from "./output.ts";
import { repeated } from "./parse.ts";

/** Options that may stand before or after the name of a command. */
export interface GlobalOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Folder of runs. */
  readonly runs: string;
  readonly dataDir: string | undefined;
  readonly workers: number | undefined;
  /** Assignments such as "training.learningRate=0.1". */
  readonly set: readonly string[];
}

export type GlobalName = keyof GlobalOptions;

/** Which global options a command accepted to; the others are refused there and stay out of its help. */
const accepted = new WeakMap<Command, ReadonlySet<string>>();

/** Lets `command` accept global options. --json is for all. */
export function acceptsOptions(command: Command, ...names: readonly GlobalName[]): Command {
  accepted.set(command, new Set<string>(["json", ...names]));
  return command;
}

export function globalOptions(): Option[] {
  return [
    new Option("--json", "print JSON instead of text (schema: docs/command-line.md)"),
    new Option("--quiet", "print only results and errors"),
    new Option("--runs <folder>", "folder that holds the runs").default("runs"),
    new Option("--data-dir <folder>", "folder with data sets that are not bundled"),
    new Option("--workers <n>", "number of worker threads (results do not depend on it)").argParser(parseWorkers),
    new Option("--set <key=value>", "override a configuration key (repeatable)").argParser(repeated),
  ];
}

/** The global options that the help of `command` shows; commander's own reading for the program itself. */
export function visibleGlobals(command: Command): Option[] {
  const names = accepted.get(command);
  const all = ancestors(command).at(-1)?.options ?? [];
  return all.filter((option) => names?.has(option.attributeName()) === true);
}

/** `anabranch privacy epsilon` for that command. */
export function fullName(command: Command): string {
  return [command, ...ancestors(command)]
    .map((one) => one.name())
    .reverse()
    .join(" ");
}

/** The commands that a command is part of, the program last. */
function ancestors(command: Command): Command[] {
  return command.parent === null ? [] : [command.parent, ...ancestors(command.parent)];
}

/** The global options of a call. Throws `usage/option` for one that the command has no use for. */
export function readGlobals(command: Command): GlobalOptions {
  const options = command.optsWithGlobals<Partial<GlobalOptions>>();
  const names = accepted.get(command);
  for (const option of globalOptions()) {
    const name = option.attributeName();
    if (names?.has(name) === true || command.getOptionValueSourceWithGlobals(name) !== "cli") continue;
    throw new AnabranchError({
      code: "usage/option",
      message: `"${command.name()}" does not accept ${option.long}`,
      advice: `See: ${fullName(command)} --help`,
    });
  }
  return {
    json: options.json ?? false,
    quiet: options.quiet ?? false,
    runs: options.runs ?? "runs",
    dataDir: options.dataDir,
    workers: options.workers,
    set: options.set ?? [],
  };
}

/** The global options of an invocation and where it writes. */
export function parseInvocation(command: Command): { readonly globals: GlobalOptions; readonly output: Output } {
  const globals = readGlobals(command);
  return { globals, output: createOutput(globals) };
}

function parseWorkers(text: string): number {
  const workers = Number(text);
  if (/^\d+$/.test(text) && workers <= 1024) return workers;
  throw new InvalidArgumentError("Expected an integer from 0 to 1024 (0 runs everything on the main thread).");
}
