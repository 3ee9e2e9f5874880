import type { Command } from "commander";
import type { RemoteAction } from "../../server/remote-server.ts";
import type { ListedRun, RunStatus } from "../../server/run-status.ts";
import { formatBytes, formatPlural, formatSeconds } from "../../terminal/format.ts";
import { acceptsOptions, type GlobalOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import type { Output } from "../output.ts";
import { openRemote, type RemoteFlags, withRemoteOptions } from "../remote-options.ts";
import { orNaN } from "../run-texts.ts";
import { table } from "../text.ts";

const commands = {
  status: "Show the state of a live run and of its clients.",
  pause: "Pause a live run. Tasks that clients have begun continue; no others are given out.",
  stop: "Stop a live run: it finishes its round, saves and ends.",
} as const;

const argument = "address of the server or of a run's page, as anabranch serve prints it";

/** Adds the commands that watch and steer a live run; `resume` is one of them, see there. */
export function addRemote(program: Command): void {
  for (const [name, description] of Object.entries(commands)) {
    const command = program
      .command(name)
      .description(description)
      .argument("<url>", argument)
      .action((url: string, flags: RemoteFlags, self: Command) => {
        const { globals, output } = parseInvocation(self);
        const action = name === "pause" || name === "stop" ? name : undefined;
        return steer(url, action, flags, globals, output);
      });
    withRemoteOptions(command);
    acceptsOptions(command, "runs", "quiet");
    withExamples(
      command,
      [`anabranch ${name} http://127.0.0.1:8080`, "on the machine of the server"],
      [`anabranch ${name} https://HOST:8080 --token TOKEN`, "from elsewhere, with the operator token"],
    );
  }
}

/** Has the server act, and prints the status after it. */
export async function steer(
  url: string,
  action: RemoteAction | undefined,
  flags: RemoteFlags,
  globals: GlobalOptions,
  output: Output,
): Promise<void> {
  // the command line, which other users can list, may hold the token
  if (flags.token !== undefined) process.title = `anabranch ${action ?? "status"}`;
  using server = await openRemote(url, flags, globals);
  if (action === undefined && !server.namesRun) {
    const runs = await server.list();
    if (runs.length > 1) return showList(runs, server.base, output);
  }
  const run = await server.chosenRun();
  const status = action === undefined ? await server.status(run) : await server.act(run, action);
  if (output.json) output.document(status);
  else if (output.quiet) output.print(status.state);
  else output.print(statusLines(status, output.width));
}

/** The runs of a server that has several. */
function showList(runs: readonly ListedRun[], base: string, output: Output): void {
  if (output.json) {
    output.document({ runs });
    return;
  }
  const rows = runs.map(({ run, name, state }) => [run, name, state, `${base}/runs/${run}`]);
  const columns = ["run", "name", "state", "page"].map((head) => ({ head }));
  output.print(table(columns, rows, output.width));
}

function statusLines(
  { name, run, state, round, rounds, population, minimumClients, clients }: RunStatus,
  width: number,
) {
  const connected = clients.filter((client) => client.connected).length;
  const waiting = state === "waiting" ? `, waiting for ${formatPlural(minimumClients, "client")}` : "";
  const head = [
    `${name} (run ${run}): ${state}${waiting}, round ${round} of ${rounds}`,
    `${formatPlural(clients.length, "client")} of ${population} joined, ${connected} connected`,
  ];
  if (clients.length === 0) return head;
  const columns = ["client", "name", "state", "task", "accepted", "failed", "sent", "received", "last seen"];
  const right = new Set(["client", "accepted", "failed", "sent", "received", "last seen"]);
  const rows = clients.map((client) => [
    String(client.client),
    client.name,
    stateOf(client),
    client.order ?? "",
    String(client.accepted),
    String(client.failed),
    formatBytes(client.bytesUp),
    formatBytes(client.bytesDown),
    formatSeconds(orNaN(client.lastSeenSeconds)),
  ]);
  return [
    ...head,
    "",
    ...table(
      columns.map((head) => ({ head, right: right.has(head) })),
      rows,
      width,
    ),
  ];
}

function stateOf({ status, connected, phase, share }: RunStatus["clients"][number]): string {
  if (status === "ejected") return "ejected";
  if (!connected) return "away";
  return share > 0 && share < 1 ? `${phase} ${Math.round(share * 100)} %` : phase;
}
