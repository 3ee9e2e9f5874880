import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Command, Option } from "commander";
import { writeJson, writeLines } from "../../terminal/terminal-text.ts";
import { failureWidth, renderFailure } from "../failure.ts";
import { acceptsOptions, type GlobalOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import { listenForInterrupt } from "../interrupt.ts";
import { portNumber } from "../parse.ts";

// the compiled package has .js files beside each other
const main = new URL(import.meta.url.endsWith(".ts") ? "../main.ts" : "../main.js", import.meta.url);
const command = [process.execPath, fileURLToPath(main)] as const;

export function addDashboard(program: Command): void {
  const dashboard = program
    .command("dashboard")
    .description("Show the runs of a folder on a page in the browser, follow those that are running, and start others.")
    .argument("[folder]", "folder that holds the runs", "runs")
    .addOption(new Option("--port <n>", "port to listen at; 0: any free one").default(8090).argParser(portNumber))
    .action(async (root: string, { port }: { port: number }, self: Command) => {
      const { globals, output } = parseInvocation(self);
      const { openDashboard } = await import("../../dashboard/dashboard-server.ts");
      const { stderr } = process;
      const opened = await openDashboard({
        ...{ root, port, command, flags: flagsOf(globals) },
        onFault: (error) => writeLines(stderr, renderFailure(error, failureWidth(stderr))),
      });
      const { link } = opened;
      const ended = Promise.withResolvers<void>();
      using _interrupt = listenForInterrupt({
        first() {
          if (opened.isRunning) output.note("Finishing and saving the run. Press Ctrl-C again to exit immediately.");
          ended.resolve();
        },
        second() {},
      });
      if (output.json) writeJson(process.stdout, { type: "dashboard.open", root: opened.root, link });
      else output.print(`Runs in ${opened.root}`, "", `  ${link}`, "");
      if (!existsSync(opened.root))
        output.note("This folder does not exist yet. A run that is started on the page makes it.");
      output.note("Open the link in a browser of this machine. It holds a token; do not pass it on. Ctrl-C ends.");
      await ended.promise;
      await opened.close();
    });
  acceptsOptions(dashboard, "quiet", "dataDir", "workers");
  withExamples(
    dashboard,
    ["anabranch dashboard", "the runs in ./runs"],
    ["anabranch dashboard ../experiments --port 9000", "another folder and port"],
  );
}

/** Options for the runs that are started from the page. */
function flagsOf({ dataDir, workers }: GlobalOptions): string[] {
  return [
    ...(dataDir === undefined ? [] : ["--data-dir", dataDir]),
    ...(workers === undefined ? [] : ["--workers", String(workers)]),
  ];
}
