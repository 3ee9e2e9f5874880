import type { Command } from "commander";
import { readRunConfig } from "../../run/run-config.ts";
import { findRun } from "../../store/find-run.ts";
import { execute } from "../execute.ts";
import { acceptsOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import { requireTrust, type TrustOption, withTrust } from "../trust.ts";

export function addResume(program: Command): void {
  const command = program
    .command("resume")
    .description("Resume a run from its latest checkpoint. The result is identical to that of an uninterrupted run.")
    .argument("<run>", 'id or its first characters, name, folder, or "last"')
    .action(async (name: string, options: TrustOption, self: Command) => {
      const { globals, output } = parseInvocation(self);
      const run = await findRun(globals.runs, name);
      await requireTrust([await readRunConfig(run.folder)], { where: run.folder, ask: "all" }, options, globals);
      const { resumeRun } = await import("../../run/session.ts");
      await execute(globals, output, (options) => resumeRun(run.folder, options));
    });
  withTrust(command);
  acceptsOptions(command, "workers", "runs", "dataDir", "quiet");
  withExamples(
    command,
    ["anabranch resume last", "the latest run"],
    ["anabranch resume k3x --workers 1", "fewer threads, same result"],
  );
}
