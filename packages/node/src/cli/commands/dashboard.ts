import { type Command, Option } from "commander";
import { writeJson, writeLines } from "../../terminal/terminal-text.ts";
import { failureWidth, renderFailure } from "../failure.ts";
import { acceptsOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import { listenForInterrupt } from "../interrupt.ts";
import { portNumber } from "../parse.ts";

export function addDashboard(program: Command): void {
  const command = program
    .command("dashboard")
    .description("Show the runs of a folder on a page in the browser, and follow those that are running.")
    .argument("[folder]", "folder that holds the runs", "runs")
    .addOption(new Option("--port <n>", "port to listen at; 0: any free one").default(8090).argParser(portNumber))
    .action(async (root: string, { port }: { port: number }, self: Command) => {
      const { output } = parseInvocation(self);
      const { openDashboard } = await import("../../dashboard/dashboard-server.ts");
      const { stderr } = process;
      const dashboard = await openDashboard({
        ...{ root, port },
        onFault: (error) => writeLines(stderr, renderFailure(error, failureWidth(stderr))),
      });
      const { link } = dashboard;
      const ended = Promise.withResolvers<void>();
      using _interrupt = listenForInterrupt({ first: () => ended.resolve(), second: () => {} });
      if (output.json) writeJson(process.stdout, { type: "dashboard.open", root: dashboard.root, link });
      else output.print(`Runs in ${dashboard.root}`, "", `  ${link}`, "");
      output.note("Open the link in a browser of this machine. It holds a token; do not pass it on. Ctrl-C ends.");
      await ended.promise;
      await dashboard.close();
    });
  acceptsOptions(command, "quiet");
  withExamples(
    command,
    ["anabranch dashboard", "the runs in ./runs"],
    ["anabranch dashboard ../experiments --port 9000", "another folder and port"],
  );
}
