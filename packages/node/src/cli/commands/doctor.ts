import { VERSION } from "@anabranch/core";
import type { Command } from "commander";
import { formatPlural } from "../../terminal/format.ts";
import { type Check, type CheckResult, runCheck } from "../checks/check.ts";
import { dataFolderCheck, shippedDataChecks } from "../checks/data.ts";
import { executorChecks } from "../checks/executors.ts";
import { foldersCheck, phonesHome, telemetryCheck, writtenFolders } from "../checks/footprint.ts";
import { chromiumCheck, diskCheck, memoryCheck, nodeCheck, sqliteCheck, workersCheck } from "../checks/machine.ts";
import { withTypedCommands } from "../command-name.ts";
import { exitCodes } from "../exit-codes.ts";
import { acceptsOptions, type GlobalOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import type { Output } from "../output.ts";
import { padEnd, wrap } from "../text.ts";

export function addDoctor(program: Command): void {
  const command = program
    .command("doctor")
    .description(
      "Check this machine and suggest fixes, or check a live server from here. The exit code is 1 if something is missing.",
    )
    .argument("[url]", "address of a live server")
    .option("--ca <file>", "certificates (PEM) that the server's certificate must be signed by")
    .option("--fingerprint <sha256>", "fingerprint that the server's certificate must have")
    .action(async (url: string | undefined, trust: TrustFlags, self: Command) => {
      const { globals, output } = parseInvocation(self);
      if (url === undefined) {
        const results = await lookAt(checksFor(globals), output);
        const footprint = { phonesHome: phonesHome(), writes: writtenFolders(globals.runs) };
        return conclude(results, output, machineReady, footprint);
      }
      const { readServerTrust } = await import("../../client/index.ts");
      const { serverChecks } = await import("../checks/server.ts");
      const server = serverChecks(url, await readServerTrust(trust));
      try {
        conclude(await lookAt(server.checks, output), output, "Clients can join this server from here");
      } finally {
        server.close();
      }
    });
  acceptsOptions(command, "runs", "dataDir");
  withExamples(
    command,
    ["anabranch doctor", "all checks with their results"],
    ["anabranch doctor https://HOST:8080", "whether clients on this machine can join there"],
    ["anabranch doctor --json | jq '.checks[] | select(.status != \"ok\")'", "what needs attention"],
  );
}

interface TrustFlags {
  readonly ca?: string;
  readonly fingerprint?: string;
}

const machineReady = "This machine is ready";
const firstSteps = "Start with: anabranch new first.toml, then anabranch run first.toml";

async function lookAt(checks: readonly Check[], output: Output): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const check of checks) {
    const { isLast = false, ...result } = await runCheck(check);
    const same = results.find((earlier) => result.status === "fail" && earlier.message === result.message);
    results.push(result);
    const { name, status } = result;
    if (!output.json)
      printResult(same === undefined ? result : { name, status, message: `see "${same.name}"` }, output);
    if (isLast) break;
  }
  return results;
}

/** Prints what it comes to and sets the exit status. @param more for the JSON document */
function conclude(results: readonly CheckResult[], output: Output, ready: string, more: object = {}): void {
  const failed = results.filter(({ status }) => status === "fail").length;
  if (output.json) output.document({ ok: failed === 0, version: VERSION, ...more, checks: results });
  else output.print("", conclusion(results, ready));
  if (failed > 0) process.exitCode = exitCodes.failed;
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

function conclusion(results: readonly CheckResult[], ready: string): string {
  const count = (status: CheckResult["status"]) => results.filter((result) => result.status === status).length;
  if (count("fail") > 0)
    return `${count("fail")} of ${formatPlural(results.length, "check")} failed; the fixes are listed above.`;
  const warnings = count("warn") === 0 ? "" : ` (${formatPlural(count("warn"), "warning")})`;
  return `${ready}${warnings}.${ready === machineReady ? ` ${withTypedCommands(firstSteps)}` : ""}`;
}
