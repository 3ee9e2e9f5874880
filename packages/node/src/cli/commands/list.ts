import { resolve } from "node:path";
import type { Command } from "commander";
import { listRuns } from "../../store/find-run.ts";
import type { RunSummary } from "../../store/run-summary.ts";
import { formatBytes, formatPercent, formatSeconds } from "../../terminal/format.ts";
import { acceptsOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import { localTime, orNaN, statusColour } from "../run-texts.ts";
import { table } from "../text.ts";

export function addList(program: Command): void {
  const command = program
    .command("list")
    .description("List the runs, newest first.")
    .action(async (_options: unknown, self: Command) => {
      const { globals, output } = parseInvocation(self);
      const root = resolve(globals.runs);
      const runs = await listRuns(root);
      if (output.json) output.document({ root, runs });
      else if (runs.length === 0) {
        output.note(`There are no runs in ${root} yet. Start one with: anabranch run FILE`);
      } else output.print(runTable(runs, output.width, (run) => statusColour(run.status, output.colours)));
    });
  acceptsOptions(command, "runs", "quiet");
  withExamples(
    command,
    ["anabranch list", "the runs in ./runs"],
    ["anabranch list --json | jq '.runs[].bestAccuracy'", "metrics for a script"],
  );
}

function runTable(runs: readonly RunSummary[], width: number, status: (run: RunSummary) => string): string[] {
  return table(
    [
      { head: "id" },
      { head: "name" },
      { head: "algorithm" },
      { head: "dataset" },
      { head: "status" },
      { head: "rounds", right: true },
      { head: "accuracy", right: true },
      { head: "best", right: true },
      { head: "up", right: true },
      { head: "time", right: true },
      { head: "started" },
    ],
    runs.map((run) => [
      run.id,
      run.name,
      run.algorithm,
      run.dataset,
      status(run),
      `${run.roundsDone}/${run.roundsTotal}`,
      formatPercent(orNaN(run.finalAccuracy)),
      formatPercent(orNaN(run.bestAccuracy)),
      formatBytes(run.bytesUp),
      formatSeconds(run.seconds),
      localTime(run.startedAt),
    ]),
    width,
  );
}
