import { AnabranchError } from "@anabranch/core";
import type { Command } from "commander";
import { findRun } from "../../store/find-run.ts";
import { removeRun, requireNoLink } from "../../store/remove-run.ts";
import type { RunSummary } from "../../store/run-summary.ts";
import { formatPlural } from "../../terminal/format.ts";
import { terminalQuestion } from "../ask.ts";
import { acceptsOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";

export function addRm(program: Command): void {
  const command = program
    .command("rm")
    .description("Delete runs with their models, checkpoints and reports. Asks first.")
    .argument("<runs...>", 'ids, names or folders of runs, or "last"')
    .option("-y, --yes", "delete without confirmation")
    .action(async (names: string[], options: { yes?: boolean }, self: Command) => {
      const { globals, output } = parseInvocation(self);
      const found = new Map<string, RunSummary>();
      for (const name of names) {
        await requireNoLink(name);
        const run = await findRun(globals.runs, name);
        found.set(run.folder, run);
      }
      const runs = [...found.values()];
      if (options.yes !== true) await requireConsent(runs);
      for (const { folder } of runs) await removeRun(folder);
      if (output.json) output.document({ removed: runs.map(({ id, folder }) => ({ run: id, folder })) });
      else output.print(runs.map(({ folder }) => `Deleted ${folder}`));
    });
  acceptsOptions(command, "runs");
  withExamples(
    command,
    ["anabranch rm k3x", "delete a run, after a question"],
    ["anabranch rm k3x p7d --yes", "delete two runs without one"],
  );
}

async function requireConsent(runs: readonly RunSummary[]): Promise<void> {
  const listed = runs.map(({ id, name, roundsDone }) => `${id} (${name}, ${formatPlural(roundsDone, "round")})`);
  const ask = terminalQuestion();
  if (ask === undefined) {
    throw new AnabranchError({
      code: "usage/confirmation",
      message: "deleting runs has to be confirmed, and there is no terminal to ask at",
      received: listed.join(", "),
      advice: "Add --yes to delete them.",
    });
  }
  if (await ask(`Delete ${listed.join(", ")}?`)) return;
  throw new AnabranchError({ code: "usage/declined", message: "nothing was deleted, as you declined" });
}
