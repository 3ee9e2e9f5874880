import type { Command } from "commander";
import { fraction, positiveCount } from "./parse.ts";

/** Adds the options of a comparison table: what is to be reached, and the round that is looked at. */
export function withComparisonOptions(command: Command): Command {
  return command
    .option(
      "--target <accuracy>",
      "accuracy whose cost is shown (default: the highest that every run reaches)",
      fraction,
    )
    .option("--at-round <round>", "show accuracies at this round instead of the last one", positiveCount);
}
