import type { Command } from "commander";
import { fraction, positiveCount } from "./parse.ts";

/** Adds the options of a comparison table: what is to be reached, and the round that is looked at. */
export function withComparisonOptions(command: Command): Command {
  return command
    .option(
      "--target <accuracy>",
      "report rounds and bytes needed to reach this accuracy (default: the highest accuracy every run reached)",
      fraction,
    )
    .option("--at-round <round>", "compare accuracies at this round instead of the last", positiveCount);
}
