import type { Command } from "commander";
import { readConfigFile } from "../config-file.ts";
import { execute } from "../execute.ts";
import { acceptsOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import { liesInRunFolder, requireTrust, type TrustOption, withTrust } from "../trust.ts";

export function addRun(program: Command): void {
  const command = program
    .command("run")
    .description(
      "Train a model from a configuration file. Ctrl-C finishes the round, saves and exits; press it again to exit immediately.",
    )
    .argument("<file>", "configuration (TOML); its paths are relative to its folder")
    .action(async (file: string, options: TrustOption, self: Command) => {
      const { globals, output } = parseInvocation(self);
      const config = await readConfigFile(file, globals);
      await requireTrust([config], { where: file, ask: liesInRunFolder(file) ? "all" : "none" }, options, globals);
      // Loaded here, as charts and executors are heavy and most commands need neither.
      const { startRun } = await import("../../run/session.ts");
      await execute(globals, output, (options) => startRun(config, options));
    });
  withTrust(command);
  acceptsOptions(command, "set", "workers", "runs", "dataDir", "quiet");
  withExamples(
    command,
    ["anabranch run federation.toml", "train, printing one line per round"],
    ["anabranch run federation.toml --set algorithm.name=scaffold --set seed=2", "another method and seed"],
    ["anabranch run federation.toml --json", "print events as JSON lines, then the result"],
  );
}
