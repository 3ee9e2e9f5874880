import type { Argument, Command, Option } from "commander";
import { visibleGlobals } from "../globals.ts";

/** A word of the command line that can be completed, with a few words on it. */
export interface Word {
  readonly text: string;
  readonly about: string;
}

/** What may follow a command: its own commands, its options, and whether it takes files. */
export interface CommandNode {
  /** Words after `anabranch`, joined by a space; empty: the program itself. */
  readonly path: string;
  readonly commands: readonly Word[];
  readonly options: readonly Word[];
  /** Values of options that take one of a few, by the option. */
  readonly values: Readonly<Record<string, readonly string[]>>;
  /** Options that take some other value. */
  readonly valued: readonly string[];
  /** The choices of its first argument, where it takes one of a few. */
  readonly choices: readonly string[];
}

/** The commands of a program with all that may follow them, read from the program itself: nothing is listed twice. */
export function commandTree(program: Command): readonly CommandNode[] {
  return nodesBelow(program, []);
}

function nodesBelow(command: Command, path: readonly string[]): CommandNode[] {
  const options = [...command.options, ...visibleGlobals(command)].filter(({ hidden }) => !hidden);
  const below = command.commands.filter((known) => known.name() !== "help");
  const node: CommandNode = {
    path: path.join(" "),
    commands: below.map((known) => ({ text: known.name(), about: firstSentence(known.description()) })),
    options: [...options.flatMap(wordsOf), { text: "--help", about: "print the help" }],
    values: Object.fromEntries(
      options.flatMap((option) =>
        option.argChoices === undefined ? [] : spellings(option).map((text) => [text, option.argChoices!]),
      ),
    ),
    valued: options
      .filter((option) => (option.required || option.optional) && option.argChoices === undefined)
      .flatMap(spellings),
    choices: choicesOf(command.registeredArguments),
  };
  return [node, ...below.flatMap((known) => nodesBelow(known, [...path, known.name()]))];
}

function wordsOf(option: Option): Word[] {
  return option.long === undefined ? [] : [{ text: option.long, about: option.description }];
}

function spellings({ short, long }: Option): string[] {
  return [short, long].filter((text) => text !== undefined);
}

function choicesOf([first]: readonly Argument[]): readonly string[] {
  return first?.argChoices ?? (first?.name() === "run" ? ["last"] : []);
}

function firstSentence(text: string): string {
  return text.split(/(?<=\.)\s/)[0]!.replace(/\.$/, "");
}
