import { parseConfig } from "@anabranch/core";
import type { Command } from "commander";
import { withAbsolutePaths } from "../../run/config-paths.ts";
import { exitCodes } from "../exit-codes.ts";
import { acceptsOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import { liesInRunFolder, requireTrust, type TrustOption, withTrust } from "../trust.ts";

export function addCheck(program: Command): void {
  const command = program
    .command("check")
    .description(
      "Check an own method: its contract, and what every method has to meet. The exit code is 1 if it fails.",
    )
    .argument("<file>", "module with the method")
    .option("--model <name>", "model to check it with", "mlp")
    .action(async (file: string, options: TrustOption & { readonly model: string }, self: Command) => {
      const { globals, output } = parseInvocation(self);
      const text = smallRun(file, options.model);
      const config = withAbsolutePaths(parseConfig(text, file, globals.set), {
        folderOf: () => ".",
        dataDir: undefined,
      });
      await requireTrust([config], { where: file, ask: liesInRunFolder(file) ? "all" : "none" }, options, globals);
      const { openMethodCheck } = await import("../../run/check-method.ts");
      const { method, options: built, model, run } = await openMethodCheck(config);
      const cases = [];
      for await (const found of run()) {
        cases.push(found);
        if (output.json) continue;
        const { green, red } = output.colours;
        output.print(
          `  ${found.ok ? green("ok    ") : red("failed")}  ${found.name}${found.ok ? "" : `: ${found.reason}`}`,
        );
      }
      const failed = cases.filter(({ ok }) => !ok).length;
      if (output.json) output.document({ ok: failed === 0, file, method, options: built, model, cases });
      else output.print("", conclusion(method, model, failed, cases.length));
      if (failed > 0) process.exitCode = exitCodes.failed;
    });
  withTrust(command);
  acceptsOptions(command, "set", "quiet");
  withExamples(
    command,
    ["anabranch check my-method.ts", "check a method on a small MLP with synthetic data"],
    ["anabranch check my-method.ts --set algorithm.damping=0.1 --model logistic", "with an option, on another model"],
  );
}

/** A run of a few seconds. What it computes does not matter, so any method can afford it. */
function smallRun(file: string, model: string): string {
  const small = model === "mlp" ? "hidden = [8, 8]\n" : "";
  return `rounds = 4
[algorithm]
file = ${JSON.stringify(file)}
[model]
name = ${JSON.stringify(model)}
${small}[data]
dataset = "synthetic"
clients = 4
synthetic = { examples = 6, testExamples = 10 }
[sampler]
cohort = 2
[training]
localSteps = 3
batchSize = 2
learningRate = 0.01
`;
}

function conclusion(method: string, model: string, failed: number, all: number): string {
  if (failed > 0) return `${method} fails ${failed} of ${all} checks with model ${model}.`;
  return `${method} passes all ${all} checks with model ${model}.`;
}
