import type { Config } from "@anabranch/core";
import { AnabranchError } from "@anabranch/engine";
import { type Command, Option } from "commander";
import { readRunConfig } from "../../run/run-config.ts";
import type { RunOutcome, SessionOptions } from "../../run/session.ts";
import type { Door } from "../../server/door.ts";
import type { ServeOptions } from "../../server/serve-session.ts";
import { findRun } from "../../store/find-run.ts";
import { formatPlural } from "../../terminal/format.ts";
import { writeJson } from "../../terminal/terminal-text.ts";
import { readConfigFile } from "../config-file.ts";
import { execute } from "../execute.ts";
import { acceptsOptions, type GlobalOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import type { Output } from "../output.ts";
import { portNumber, positiveCount } from "../parse.ts";
import { collectByWholeMemory } from "../tensor-memory.ts";
import { liesInRunFolder, requireTrust, type TrustOption, withTrust } from "../trust.ts";

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
  readonly demoData?: boolean;
  readonly log?: string;
  readonly resume?: string;
}

export function addServe(program: Command): void {
  const command = program
    .command("serve")
    .description(
      "Train with clients that join over the network. Ctrl-C finishes the round, saves and exits; the run can be resumed.",
    )
    .argument("[file]", "configuration (TOML); data.clients is the number of places")
    .addOption(new Option("--port <n>", "port to listen at; 0: any free one").default(8080).argParser(portNumber))
    .option("--host <address>", "address to listen at; 0.0.0.0: all of this machine", "127.0.0.1")
    .addOption(
      new Option("--clients <n>", "clients to wait for at the start (default: all places)").argParser(positiveCount),
    )
    .option("--resume <run>", 'continue a live run: id, name, folder or "last"')
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
    .option("--demo-data", "let browsers take a share of the bundled data set, for a trial")
    .option("--log <file>", 'JSON log of the server; "-": stderr (default: server.log in the run\'s folder)')
    .action(async (file: string | undefined, flags: ServeFlags, self: Command) => {
      const { globals, output } = parseInvocation(self);
      const run = await chosenRun(file, flags, globals);
      const options = serveOptions(flags, run, output);
      collectByWholeMemory();
      const { serveRun } = await import("../../server/serve-session.ts");
      await execute(globals, output, (session) => serveRun(options, session, run.begin), "anabranch serve --resume");
    });
  withTrust(command);
  acceptsOptions(command, "set", "runs", "dataDir", "quiet");
  withExamples(
    command,
    ["anabranch serve federation.toml", "wait for all clients on this machine, then train"],
    ["anabranch serve federation.toml --host 0.0.0.0 --tls self --clients 5", "a trial with other machines"],
    ["anabranch serve --resume last", "continue after a crash or Ctrl-C"],
  );
}

interface ChosenRun {
  readonly config: Config;
  /** Of a run to continue. */
  readonly folder?: string;
  begin(options: SessionOptions): Promise<RunOutcome>;
}

/** The configuration of a new run, or a run to continue. */
async function chosenRun(
  file: string | undefined,
  { resume, trust = false }: ServeFlags,
  globals: GlobalOptions,
): Promise<ChosenRun> {
  if ((file === undefined) === (resume === undefined)) throw oneOfTwo();
  const { startRun, resumeRun } = await import("../../run/session.ts");
  if (file !== undefined) {
    const config = await readConfigFile(file, globals);
    await requireTrust([config], { where: file, ask: liesInRunFolder(file) ? "all" : "none" }, { trust }, globals);
    return { config, begin: (options) => startRun(config, options) };
  }
  if (globals.set.length > 0) throw setWhileResuming();
  const { folder } = await findRun(globals.runs, resume ?? "");
  const config = await readRunConfig(folder);
  await requireTrust([config], { where: folder, ask: "all" }, { trust }, globals);
  return { config, folder, begin: (options) => resumeRun(folder, options) };
}

function serveOptions(flags: ServeFlags, { config, folder }: ChosenRun, output: Output): ServeOptions {
  const { port, host, publicUrl, tokenTtl, tokenPlaces, ledger, log } = flags;
  const tls = tlsChoice(flags);
  const joined = new Set<number>();
  if (publicUrl !== undefined && !/^https?:\/\//.test(publicUrl)) throw wrongUrl(publicUrl);
  const minimumClients = flags.clients ?? config.data.clients;
  return {
    ...{ host, port, resumed: folder, publicUrl, ledger, log, tls, minimumClients },
    demoData: flags.demoData === true ? config.data.dataset : undefined,
    insecure: flags.insecure ?? false,
    trustProxy: flags.trustProxy ?? false,
    progressSeconds: flags.taskTimeout,
    ...{ tokenSeconds: tokenTtl, tokenPlaces },
    onOpen(door) {
      printDoor(door, minimumClients, output);
      if (folder !== undefined) output.note("Join links that were printed before are valid, too.");
    },
    onNotice(notice, server) {
      if (notice.type === "joined") joined.add(notice.client);
      if (notice.type === "gone") joined.delete(notice.client);
      if (notice.type !== "joined" || server.state !== "waiting") return;
      output.note(`${joined.size} of ${formatPlural(minimumClients, "client")} joined.`);
    },
  };
}

function printDoor(door: Door, minimumClients: number, output: Output): void {
  const { run, folder, url, joinLink, operatorToken, fingerprint, warnings } = door;
  const pin = fingerprint === undefined ? "" : ` --fingerprint ${fingerprint}`;
  const joinCommand = `anabranch join "${joinLink}"${pin}`;
  for (const warning of warnings) output.note(warning);
  if (output.json) {
    const about = { run, folder, url, joinLink, joinCommand, operatorToken, fingerprint: fingerprint ?? null };
    writeJson(process.stdout, { type: "serve.open", ...about });
    return;
  }
  output.print(
    `Serving run ${run} at ${url}/`,
    "",
    `  join command  ${joinCommand}`,
    `  join link     ${joinLink}`,
    ...(fingerprint === undefined ? [] : [`  certificate   SHA-256 ${fingerprint}`]),
    `  operator      token ${operatorToken}`,
    "",
    `Waiting for ${formatPlural(minimumClients, "client")}.`,
  );
}

function tlsChoice({ tls, tlsCert: cert, tlsKey: key }: ServeFlags): ServeOptions["tls"] {
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

function oneOfTwo(): AnabranchError {
  return new AnabranchError({
    code: "usage/missing-argument",
    message: "serve needs a configuration file or --resume, and not both",
    advice: "See: anabranch serve --help",
  });
}

function setWhileResuming(): AnabranchError {
  return new AnabranchError({
    code: "usage/conflict",
    message: "a resumed run keeps its configuration",
    where: "--set",
    advice: "Leave --set out, or start a new run.",
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
