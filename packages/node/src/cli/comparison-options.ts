import { AnabranchError } from "@anabranch/core";
import type { Command } from "commander";
import { positiveCount, positiveNumber } from "./parse.ts";

/** Adds the options of a comparison table: what is to be reached, and the round that is looked at. */
export function withComparisonOptions(command: Command): Command {
  return command
    .option(
      "--target <accuracy>",
      "report rounds and bytes needed to reach this accuracy, or this RMSE (default: the best that every run reached)",
      positiveNumber,
    )
    .option("--at-round <round>", "compare accuracies or errors at this round instead of the last", positiveCount);
}

/** @throws `usage/target` for an accuracy above 1 */
export function requireTarget(target: number | undefined, metric: "accuracy" | "rmse"): void {
  if (metric === "rmse" || target === undefined || target <= 1) return;
  throw new AnabranchError({
    code: "usage/target",
    message: "no run can reach the target",
    where: "--target",
    received: String(target),
    expected: "an accuracy above 0 and up to 1, e.g. 0.8; errors are targets of runs that all predict numbers",
  });
}
