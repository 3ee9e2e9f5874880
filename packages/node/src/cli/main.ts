import { CommanderError } from "commander";
import { exitCodes } from "./exit-codes.ts";
import { reportFailure, usageError } from "./failure.ts";
import { tolerateClosedPipes } from "./output.ts";
import { createProgram } from "./program.ts";

/** Runs the command line; gives the exit status. */
async function main(argv: readonly string[]): Promise<number> {
  const program = createProgram();
  const json = argv.includes("--json");
  try {
    if (argv.length === 0) {
      program.outputHelp({ error: true });
      return exitCodes.usage;
    }
    await program.parseAsync(argv, { from: "user" });
    return typeof process.exitCode === "number" ? process.exitCode : exitCodes.ok;
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportFailure(error, json);
    // The help or the version was asked for, and is printed.
    if (error.exitCode === 0) return exitCodes.ok;
    const command = program.commands.find((known) => argv.includes(known.name()));
    return reportFailure(usageError(error, command === undefined ? "anabranch" : `anabranch ${command.name()}`), json);
  }
}

tolerateClosedPipes();
process.exitCode = await main(process.argv.slice(2));
