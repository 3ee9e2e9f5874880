import type { Command } from "commander";
import { extendRun } from "../../run/extend-run.ts";
import { readRunConfig } from "../../run/run-config.ts";
import { findRun } from "../../store/find-run.ts";
import { execute } from "../execute.ts";
import { acceptsOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import { positiveCount } from "../parse.ts";
import { isUrl, type RemoteFlags, refuseRemoteOptions, withRemoteOptions } from "../remote-options.ts";
import { requireTrust, type TrustOption, withTrust } from "../trust.ts";

import { steer } from "./remote.ts";

export function addResume(program: Command): void {
  const command = program
    .command("resume")
    .description(
      "Resume a run from its latest checkpoint. The result is identical to that of an uninterrupted run. With an address: continue a live run that was paused.",
    )
    .argument("<run>", 'id or its first characters, name, folder, "last", or the address of a server')
    .option("--rounds <n>", "give the run this many rounds in all, e.g. to train a finished one longer", positiveCount)
    .action(async (name: string, options: TrustOption & RemoteFlags & { rounds?: number }, self: Command) => {
      const { globals, output } = parseInvocation(self);
      if (isUrl(name)) return steer(name, "resume", options, globals, output);
      refuseRemoteOptions(options);
      const run = await findRun(globals.runs, name);
      await requireTrust([await readRunConfig(run.folder)], { where: run.folder, ask: "all" }, options, globals);
      if (options.rounds !== undefined) await extendRun(run.folder, options.rounds);
      const { resumeRun } = await import("../../run/session.ts");
      await execute(globals, output, (options) => resumeRun(run.folder, options));
    });
  withTrust(command);
  withRemoteOptions(command);
  acceptsOptions(command, "workers", "runs", "dataDir", "quiet");
  withExamples(
    command,
    ["anabranch resume last", "the latest run"],
    ["anabranch resume k3x --rounds 200", "train a finished run longer, to 200 rounds in all"],
    ["anabranch resume k3x --workers 1", "fewer threads, same result"],
    ["anabranch resume http://127.0.0.1:8080", "continue a live run after a pause"],
  );
}
