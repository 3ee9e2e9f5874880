import { type Command, CommanderError } from "commander";
import { exitCodes } from "./exit-codes.ts";
import { reportFailure, usageError } from "./failure.ts";
import { fullName } from "./globals.ts";
import { createProgram } from "./program.ts";

/** Executes a command line (without "node" and "anabranch") and gives its exit status. Failures are printed. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  const program = await createProgram(argv);
  const json = argv.includes("--json");
  if (argv.length === 0) {
    program.outputHelp({ error: true });
    return exitCodes.usage;
  }
  try {
    process.exitCode = exitCodes.ok;
    await program.parseAsync(argv, { from: "user" });
    return Number(process.exitCode);
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportFailure(error, json);
    // The help or the version was asked for, and is printed.
    if (error.exitCode === 0) return exitCodes.ok;
    // A group of commands without one of them has shown its help.
    if (error.code === "commander.help") return exitCodes.usage;
    return reportFailure(usageError(error, fullName(named(program, argv))), json);
  }
}

/** The command that a command line names: a group, then one of its own. */
function named(command: Command, argv: readonly string[]): Command {
  const found = command.commands.find((known) => argv.includes(known.name()));
  return found === undefined ? command : named(found, argv);
}
