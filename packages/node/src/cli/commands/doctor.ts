import { VERSION } from "@anabranch/core";
import type { Command } from "commander";
import { formatPlural } from "../../terminal/format.ts";
import { type Check, type CheckResult, runCheck } from "../checks/check.ts";
import { dataFolderCheck, shippedDataChecks } from "../checks/data.ts";
import { executorChecks } from "../checks/executors.ts";
import { foldersCheck, phonesHome, telemetryCheck, writtenFolders } from "../checks/footprint.ts";
import { chromiumCheck, diskCheck, memoryCheck, nodeCheck, sqliteCheck, workersCheck } from "../checks/machine.ts";
import { exitCodes } from "../exit-codes.ts";
import { acceptsOptions, type GlobalOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import type { Output } from "../output.ts";
import { padEnd, wrap } from "../text.ts";

export function addDoctor(program: Command): void {
  const command = program
    .command("doctor")
    .description("Check this machine and suggest fixes. The exit code is 1 if something is missing.")
    .action(async (_options: unknown, self: Command) => {
      const { globals, output } = parseInvocation(self);
      const results: CheckResult[] = [];
      for (const check of checksFor(globals)) {
        const result = await runCheck(check);
        results.push(result);
        if (!output.json) printResult(result, output);
      }
      const failed = results.filter(({ status }) => status === "fail").length;
      const footprint = { phonesHome: phonesHome(), writes: writtenFolders(globals.runs) };
      if (output.json) output.document({ ok: failed === 0, version: VERSION, ...footprint, checks: results });
      else output.print("", conclusion(results));
      if (failed > 0) process.exitCode = exitCodes.failed;
    });
  acceptsOptions(command, "runs", "dataDir");
  withExamples(
    command,
    ["anabranch doctor", "all checks with their results"],
    ["anabranch doctor --json | jq '.checks[] | select(.status != \"ok\")'", "what needs attention"],
  );
}

function checksFor(globals: GlobalOptions): Check[] {
  return [
    nodeCheck,
    ...executorChecks,
    telemetryCheck(),
    workersCheck,
    memoryCheck,
    diskCheck(globals.runs),
    foldersCheck(globals.runs),
    sqliteCheck,
    ...shippedDataChecks,
    ...dataFolderCheck(globals.dataDir),
    chromiumCheck,
  ];
}

function printResult({ name, status, message, advice }: CheckResult, output: Output): void {
  const { green, yellow, red } = output.colours;
  const colour = { ok: green, warn: yellow, fail: red }[status];
  const indent = " ".repeat(27);
  const width = Math.min(output.width, 110) - indent.length;
  const [first = "", ...more] = wrap(message, width);
  const advised = advice === undefined ? [] : wrap(`-> ${advice}`, width);
  output.print(
    `  ${colour(padEnd(status, 4))}  ${padEnd(name, 19)}${first}`,
    ...[...more, ...advised].map((line) => indent + line),
  );
}

function conclusion(results: readonly CheckResult[]): string {
  const count = (status: CheckResult["status"]) => results.filter((result) => result.status === status).length;
  if (count("fail") > 0) return `${count("fail")} of ${results.length} checks failed; the fixes are listed above.`;
  const warnings = count("warn") === 0 ? "" : ` (${formatPlural(count("warn"), "warning")})`;
  return `This machine is ready${warnings}. Start with: anabranch new first.toml, then anabranch run first.toml`;
}
