import { access } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { AnabranchError, baselineConfig, type Config } from "@anabranch/core";
import type { Command } from "commander";
import { findRun } from "../../store/find-run.ts";
import { readConfigFile } from "../config-file.ts";
import { execute } from "../execute.ts";
import { acceptsOptions, type GlobalOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import type { Output } from "../output.ts";
import { liesInRunFolder, requireTrust, type TrustOption, withTrust } from "../trust.ts";

type Baseline = NonNullable<Config["baseline"]>;

interface LocalOnlyOptions extends TrustOption {
  readonly from?: string;
}

/** `anabranch centralized`, `local-only` and `public-only`: what a federation is compared with. */
export function addBaselines(program: Command): void {
  const centralized = program
    .command("centralized")
    .description(
      "Train the baseline in which one client has all examples: same model, same number of gradient steps. It is not private.",
    )
    .argument("<file>", "configuration (TOML) of the federation")
    .action(async (file: string, options: TrustOption, self: Command) => {
      const { globals, output } = parseInvocation(self);
      await runBaseline(file, "centralized", undefined, options, globals, output);
    });
  withExamples(
    finish(centralized),
    ["anabranch centralized federation.toml", "an upper reference for the accuracy of the federation"],
    ["anabranch compare federation federation-centralized", "both in one report"],
  );
  const localOnly = program
    .command("local-only")
    .description(
      "Train the baseline in which every client trains alone, without any exchange. Each model is evaluated on the test set and on its client's hold-out (data.holdout).",
    )
    .argument("<file>", "configuration (TOML) of the federation")
    .option("--from <run>", "fine-tune the global model of this finished run on every client")
    .action(async (file: string, options: LocalOnlyOptions, self: Command) => {
      const { globals, output } = parseInvocation(self);
      const weights = options.from === undefined ? undefined : await modelOf(globals.runs, options.from);
      await runBaseline(file, "local-only", weights, options, globals, output);
    });
  withExamples(
    finish(localOnly),
    ["anabranch local-only federation.toml", "what clients reach without the federation"],
    ["anabranch local-only federation.toml --from last --set rounds=5", "five rounds of fine-tuning per client"],
  );
  const publicOnly = program
    .command("public-only")
    .description(
      "Train the baseline that has the labelled public examples (data.publicExamples) and no example of the clients: same model, same number of gradient steps.",
    )
    .argument("<file>", "configuration (TOML) of the federation")
    .action(async (file: string, options: TrustOption, self: Command) => {
      const { globals, output } = parseInvocation(self);
      await runBaseline(file, "public-only", undefined, options, globals, output);
    });
  withExamples(finish(publicOnly), ["anabranch public-only federation.toml", "what the public examples reach alone"]);
}

function finish(command: Command): Command {
  withTrust(command);
  acceptsOptions(command, "set", "workers", "runs", "dataDir", "quiet");
  return command;
}

async function runBaseline(
  file: string,
  baseline: Baseline,
  weights: string | undefined,
  options: TrustOption,
  globals: GlobalOptions,
  output: Output,
): Promise<void> {
  const federation = await readConfigFile(file, globals);
  const config = baselineConfig(federation, baseline, weights);
  await requireTrust([config], { where: file, ask: liesInRunFolder(file) ? "all" : "none" }, options, globals);
  const { privacy, secureAggregation } = federation;
  if (privacy.mechanism !== "none" || secureAggregation.protocol !== "none")
    output.note("This baseline is not private: it leaves [privacy] and [secureAggregation] out.");
  const { startRun } = await import("../../run/session.ts");
  await execute(globals, output, async (options) => {
    const outcome = await startRun(config, options);
    const { redrawReports } = await import("../../report/report.ts");
    const redrawn = outcome.result.stopped === "finished" ? await redrawReports(outcome.folder) : [];
    if (redrawn.length > 0)
      output.note(`Drawn into the reports of: ${redrawn.map((folder) => basename(folder)).join(", ")}`);
    return outcome;
  });
}

/** The model file of a finished run. Throws `baseline/no-model`. */
async function modelOf(runs: string, name: string): Promise<string> {
  const { folder, id } = await findRun(runs, name);
  const path = resolve(join(folder, "model.safetensors"));
  try {
    await access(path);
    return path;
  } catch (cause) {
    throw new AnabranchError({
      code: "baseline/no-model",
      message: "this run has no final model",
      where: `--from, run ${id}`,
      expected: "a finished run",
      advice: `Finish it with: anabranch resume ${id}`,
      cause,
    });
  }
}
