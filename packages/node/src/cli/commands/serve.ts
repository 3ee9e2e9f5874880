import { AnabranchError } from "@anabranch/engine";
import { type Command, Option } from "commander";
import type { ListeningSite, SiteOptions } from "../../server/listening-site.ts";
import type { ServeOptions } from "../../server/serve-session.ts";
import { type ConcurrentRun, execute, executeAll } from "../execute.ts";
import { acceptsOptions, type GlobalOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import type { Output } from "../output.ts";
import { portNumber, positiveCount, repeated } from "../parse.ts";
import { type ChosenRun, chooseRuns } from "../serve-runs.ts";
import { ServeView } from "../serve-view.ts";
import { collectByWholeMemory } from "../tensor-memory.ts";
import { type TrustOption, withTrust } from "../trust.ts";

interface ServeFlags extends TrustOption {
  readonly port: number;
  readonly host: string;
  readonly clients?: number;
  readonly publicUrl?: string;
  readonly tls?: "self";
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecure?: boolean;
  readonly trustProxy?: boolean;
  readonly tokenTtl?: number;
  readonly tokenPlaces?: number;
  readonly taskTimeout: number;
  readonly ledger?: string;
  readonly blobs?: string;
  readonly demoData?: boolean;
  readonly log?: string;
  readonly resume?: readonly string[];
}

export function addServe(program: Command): void {
  const command = program
    .command("serve")
    .description(
      "Train with clients that join over the network, one or several runs at a time. Ctrl-C finishes the round, saves and exits; the runs can be resumed.",
    )
    .argument("[files...]", "configurations (TOML), one per run; data.clients is the number of places")
    .addOption(new Option("--port <n>", "port to listen at; 0: any free one").default(8080).argParser(portNumber))
    .option("--host <address>", "address to listen at; 0.0.0.0: all of this machine", "127.0.0.1")
    .addOption(
      new Option(
        "--clients <n>",
        "clients to wait for at the start (default: all places; with --resume as before)",
      ).argParser(positiveCount),
    )
    .addOption(
      new Option("--resume <run>", 'continue a live run: id, name, folder or "last" (repeatable)').argParser(repeated),
    )
    .option("--public-url <url>", "address that clients use, if it is another one (proxy, container)")
    .addOption(new Option("--tls <self>", "make a certificate for a trial").choices(["self"]))
    .option("--tls-cert <file>", "certificate chain (PEM)")
    .option("--tls-key <file>", "private key of the certificate (PEM)")
    .option("--insecure", "let other machines connect without TLS")
    .option("--trust-proxy", "read the address of a client from X-Forwarded-For")
    .addOption(
      new Option("--token-ttl <seconds>", "how long new clients can join (default: no limit)").argParser(positiveCount),
    )
    .addOption(
      new Option("--token-places <n>", "clients that the join link admits (default: all places)").argParser(
        positiveCount,
      ),
    )
    .addOption(
      new Option("--task-timeout <seconds>", "a client without progress for so long fails its task")
        .default(60)
        .argParser(positiveCount),
    )
    .option("--ledger <url>", "sqlite:PATH or postgres://... (default: a file in the run's folder)")
    .option(
      "--blobs <url>",
      "s3://BUCKET/FOLDER?endpoint=URL&region=NAME for models and updates (default: the run's folder)",
    )
    .option("--demo-data", "let browsers take a share of the bundled data set, for a trial")
    .option("--log <file>", 'JSON log of the server; "-": stderr (default: server.log in the run\'s folder)')
    .action(async (files: string[], flags: ServeFlags, self: Command) => {
      const { globals, output } = parseInvocation(self);
      const chosen = await chooseRuns(files, flags.resume ?? [], flags, globals);
      collectByWholeMemory();
      await serve(chosen, flags, globals, output);
    });
  withTrust(command);
  acceptsOptions(command, "set", "runs", "dataDir", "quiet");
  withExamples(
    command,
    ["anabranch serve federation.toml", "wait for all clients on this machine, then train"],
    ["anabranch serve federation.toml --host 0.0.0.0 --tls self --clients 5", "a trial with other machines"],
    ["anabranch serve --resume last", "continue after a crash or Ctrl-C"],
    ["anabranch serve north.toml south.toml", "two runs, each with its own clients"],
  );
}

/** Serves the runs by one server, until all have ended. */
async function serve(chosen: readonly ChosenRun[], flags: ServeFlags, globals: GlobalOptions, output: Output) {
  const { ListeningSite } = await import("../../server/listening-site.ts");
  const { serveRun } = await import("../../server/serve-session.ts");
  const site = await ListeningSite.open(siteOptions(flags, chosen));
  try {
    const runs = chosen.map((run) => concurrentRun(run, flags, output, chosen.length > 1, site, serveRun));
    if (runs.length === 1) await execute(globals, output, runs[0]!.session, "serve --resume");
    else await executeAll(globals, output, runs, "serve --resume");
  } finally {
    await site.close();
  }
}

function concurrentRun(
  run: ChosenRun,
  flags: ServeFlags,
  output: Output,
  hasOthers: boolean,
  site: ListeningSite,
  serveRun: typeof import("../../server/serve-session.ts").serveRun,
): ConcurrentRun {
  const { config, folder, begin } = run;
  let id: string | undefined;
  const label = () => (id === undefined ? config.name : `${config.name} ${id}`);
  const minimumClients = flags.clients ?? run.usualClients;
  const view = new ServeView(output, minimumClients, folder !== undefined, () => (hasOthers ? `[${label()}] ` : ""));
  const options: ServeOptions = {
    ...{ minimumClients, progressSeconds: flags.taskTimeout, ledger: flags.ledger, blobs: flags.blobs },
    isResumed: folder !== undefined,
    ...{ tokenSeconds: flags.tokenTtl, tokenPlaces: flags.tokenPlaces },
    demoData: flags.demoData === true ? config.data.dataset : undefined,
    onOpen(door) {
      id = door.run;
      view.opened(door);
    },
    onNotice: (notice, server) => view.noticed(notice, server),
  };
  return { label, id: () => id, session: (session) => serveRun(site, options, session, begin) };
}

function siteOptions(flags: ServeFlags, chosen: readonly ChosenRun[]): SiteOptions {
  const { port, host, publicUrl, log } = flags;
  if (publicUrl !== undefined && !/^https?:\/\//.test(publicUrl)) throw wrongUrl(publicUrl);
  return {
    ...{ host, port, publicUrl, log, tls: tlsChoice(flags), runs: chosen.length },
    insecure: flags.insecure ?? false,
    trustProxy: flags.trustProxy ?? false,
    resumed: chosen.flatMap(({ folder }) => folder ?? []),
  };
}

function tlsChoice({ tls, tlsCert: cert, tlsKey: key }: ServeFlags): SiteOptions["tls"] {
  if (tls !== undefined && (cert ?? key) === undefined) return tls;
  if (tls === undefined && cert !== undefined && key !== undefined) return { cert, key };
  if ((tls ?? cert ?? key) === undefined) return undefined;
  throw new AnabranchError({
    code: "usage/conflict",
    message: "the options for TLS do not go together",
    expected: "--tls-cert and --tls-key, or --tls self alone",
    advice: "See: anabranch serve --help",
  });
}

function wrongUrl(received: string): AnabranchError {
  return new AnabranchError({
    code: "usage/invalid-value",
    message: "--public-url is not an address",
    received,
    expected: "for example https://federation.example.org",
  });
}
