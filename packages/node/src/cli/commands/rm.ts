import { AnabranchError } from "@anabranch/core";
import type { Command } from "commander";
import { type RemainingBlobs, remainingBlobs } from "../../server/remaining-blobs.ts";
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
    .description(
      "Delete runs with their models, checkpoints and reports. Asks first. Objects in S3 (serve --blobs) are listed, not deleted.",
    )
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
      const remaining: (RemainingBlobs & { readonly run: string })[] = [];
      for (const { id, folder } of runs) {
        const blobs = await remainingBlobs(folder);
        await removeRun(folder);
        if (blobs !== undefined) remaining.push({ run: id, ...blobs });
      }
      if (output.json) output.document({ removed: runs.map(({ id, folder }) => ({ run: id, folder })), remaining });
      else output.print([...runs.map(({ folder }) => `Deleted ${folder}`), ...remaining.flatMap(remainingLines)]);
    });
  acceptsOptions(command, "runs");
  withExamples(
    command,
    ["anabranch rm k3x", "delete a run, after a question"],
    ["anabranch rm k3x p7d --yes", "delete two runs without one"],
  );
}

/** Models and updates that were not deleted, and how to delete them. */
function remainingLines({ run, address, endpoint, objects }: RemainingBlobs & { readonly run: string }): string[] {
  const what =
    objects === undefined ? "Objects (not counted: the storage was not reached)" : formatPlural(objects, "object");
  return [
    `Not deleted: ${what} of run ${run} at ${address}. Copies of the run may still need them. To delete them:`,
    `  aws s3 rm --recursive ${address} --endpoint-url ${endpoint}`,
  ];
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
