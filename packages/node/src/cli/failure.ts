import { printable } from "@anabranch/core";
import { AnabranchError, type Failure } from "@anabranch/engine";
import type { CommanderError } from "commander";
import { type Colours, coloursFor } from "../terminal/colours.ts";
import { writeJson, writeLines } from "../terminal/terminal-text.ts";
import { withTypedCommands } from "./command-name.ts";
import { exitCodeOf } from "./exit-codes.ts";
import { labelled, wrap } from "./text.ts";

/** Codes that commander gives to mistakes on the command line. */
const usageCodes: Readonly<Record<string, string>> = {
  "commander.unknownCommand": "usage/unknown-command",
  "commander.unknownOption": "usage/unknown-option",
  "commander.missingArgument": "usage/missing-argument",
  "commander.excessArguments": "usage/excess-arguments",
  "commander.optionMissingArgument": "usage/missing-value",
  "commander.missingMandatoryOptionValue": "usage/missing-option",
  "commander.invalidArgument": "usage/invalid-value",
  "commander.conflictingOption": "usage/conflict",
};

/** A mistake on the command line as an error like every other. */
export function usageError(error: CommanderError, command: string): AnabranchError {
  const [first = "", ...rest] = error.message.replace(/^error: /, "").split("\n");
  const suggestion = /\(Did you mean (.+)\?\)/.exec(rest.join(" "))?.[1];
  const near = suggestion === undefined ? "" : `Did you mean ${suggestion.replace(/^one of /, "one of ")}? `;
  return new AnabranchError({
    code: usageCodes[error.code] ?? "usage/invalid",
    message: first.replace(/\.$/, ""),
    advice: `${near}See: ${command} --help`,
    cause: error,
  });
}

/**
 * The lines that are printed of a failure: its code and message, then where, received, expected and what to do. Only what
 * was received may have several lines: a list of problems. A line break elsewhere came from outside.
 */
export function renderFailure(error: unknown, width: number, colours = coloursFor({})): string[] {
  if (!(error instanceof AnabranchError)) return renderInternal(error, colours);
  const { code, message, where, received, expected, advice } = error.failure;
  const details = [
    ["where", where],
    ["received", received],
    ["expected", expected],
    ["advice", advice === undefined ? undefined : withTypedCommands(advice)],
  ] as const;
  const pairs = details.flatMap(([label, text]) =>
    text === undefined || text === ""
      ? []
      : [[colours.dim(label), label === "received" ? text : printable(text)] as const],
  );
  const [first = "", ...more] = wrap(printable(`error ${code}: ${message}`), width);
  const head = first.replace(`error ${code}:`, colours.red(`error ${code}:`));
  return [head, ...more, ...labelled(pairs, width)];
}

/** An error of the program itself. Its stack is for those who ask for it. */
function renderInternal(error: unknown, colours: Colours): string[] {
  const stack = error instanceof Error ? error.stack : undefined;
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const debug = process.env.ANABRANCH_DEBUG;
  if (debug !== undefined && debug !== "") return `${colours.red("error internal:")} ${stack ?? text}`.split("\n");
  return [
    `${colours.red("error internal:")} ${text}`,
    "  This is a bug in Anabranch; please report it. ANABRANCH_DEBUG=1 shows where it happened.",
  ];
}

/** The failure as `{"error": ...}` has it. */
export function failureDocument(error: unknown): { error: Omit<Failure, "cause"> } {
  if (!(error instanceof AnabranchError)) {
    return { error: { code: "internal", message: error instanceof Error ? error.message : String(error) } };
  }
  const { cause: _cause, ...parts } = error.failure;
  return { error: parts };
}

/** Columns for a failure on a stream; some terminals report none. */
export function failureWidth({ isTTY, columns }: NodeJS.WriteStream): number {
  return isTTY && columns > 0 ? Math.min(columns, 110) : 110;
}

/** Prints a failure and gives the exit status. */
export function reportFailure(error: unknown, json: boolean): number {
  if (json) writeJson(process.stdout, failureDocument(error));
  else {
    const colours = coloursFor(process.stderr);
    writeLines(process.stderr, renderFailure(error, failureWidth(process.stderr), colours));
  }
  return exitCodeOf(error);
}
