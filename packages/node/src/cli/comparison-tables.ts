import type { Command } from "commander";
import type { Comparison } from "../report/comparison.ts";
import { comparisonCsv, comparisonLatex } from "../report/comparison-files.ts";
import { writeResult } from "./result-files.ts";

/** Files that a comparison is also written to. */
export interface TableFiles {
  readonly csv?: string;
  readonly latex?: string;
  readonly force?: boolean;
}

/** Adds `--csv` and `--latex`. */
export function withTableFiles(command: Command): Command {
  return command
    .option("--csv <file>", "also write the rows as CSV")
    .option("--latex <file>", "also write the table for LaTeX (package booktabs)");
}

/**
 * Writes the files that the options name.
 *
 * @param givenTarget whether the target was asked for, and not found among the runs
 * @throws `usage/file-exists`, `usage/no-folder`, `store/*`
 */
export async function writeTables(comparison: Comparison, givenTarget: boolean, files: TableFiles): Promise<void> {
  const { csv, latex, force = false } = files;
  const write = (file: string, text: string) => writeResult(file, Buffer.from(text), force);
  if (csv !== undefined) await write(csv, comparisonCsv(comparison));
  if (latex !== undefined) await write(latex, comparisonLatex(comparison, givenTarget));
}
