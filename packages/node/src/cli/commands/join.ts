import type { Command } from "commander";
import { executorNames } from "../../executors.ts";
import { exitCodes } from "../exit-codes.ts";
import { acceptsOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import { listenForInterrupt } from "../interrupt.ts";
import { JoinView } from "../join-view.ts";
import { byteCount, labelPair, positiveCount, positiveNumber, wholeCount } from "../parse.ts";

interface JoinFlags {
  readonly token?: string;
  readonly data?: string;
  readonly client?: number;
  readonly name?: string;
  readonly label?: Readonly<Record<string, string>>;
  readonly folder?: string;
  readonly algorithm?: string;
  readonly ca?: string;
  readonly fingerprint?: string;
  readonly executor: string;
  readonly giveUpAfter: number;
  readonly limitDownload?: number;
  readonly limitWork?: number;
  readonly limitMemory?: number;
  readonly limitRounds?: number;
  readonly limitAlgorithms?: string;
  readonly minimumExamples?: number;
  readonly leastClients?: number;
  readonly allowAnyModel?: boolean;
  readonly maxEpsilon?: number;
  readonly maxDelta?: number;
}

export function addJoin(program: Command): void {
  const command = program
    .command("join")
    .description(
      "Join a live run as a client and train on data that stay on this machine. Ctrl-C leaves the run; press it again to exit immediately.",
    )
    .argument("<url>", "join link, as anabranch serve prints it (put it in quotes)")
    .option("--data <data>", "this client's examples: a data set, or files such as csv:PATH?label=COLUMN")
    .option("--client <number>", "for trials: take this client's share of the run's data set", wholeCount)
    .option("--name <name>", "name of this client on the server's page")
    .option("--label <key=value>", "label by which a run selects clients (repeatable)", labelPair)
    .option("--folder <folder>", "where identity, states and records are kept (default: clients/RUN)")
    .option("--token <token>", "join token; ANABRANCH_TOKEN keeps it out of the process list")
    .option("--ca <file>", "certificates (PEM) that the server's certificate must be signed by")
    .option("--fingerprint <sha256>", "fingerprint that the server's certificate must have")
    .option("--algorithm <file>", "own algorithm, for a run that uses it; the server never sends code")
    .option("--executor <name>", `what trains: ${executorNames.join(", ")}`, executorNames[0])
    .option("--give-up-after <seconds>", "time without a server after which the client ends", positiveCount, 600)
    .option("--limit-download <size>", "largest model to download, e.g. 100MB (default: 1 GiB)", byteCount)
    .option(
      "--limit-work <examples>",
      "most examples of one task: steps x batch size (default: 10 million)",
      positiveCount,
    )
    .option("--limit-memory <size>", "most memory of one task, estimated (default: half of this machine's)", byteCount)
    .option("--limit-rounds <n>", "most rounds of the run (default: 10,000)", positiveCount)
    .option("--limit-algorithms <names>", "allowed methods, separated by commas (default: all built-in ones)")
    .option("--minimum-examples <n>", "do not take part with fewer examples", positiveCount)
    .option(
      "--least-clients <n>",
      "secure aggregation: smallest sum that includes this client (default: 3)",
      positiveCount,
    )
    .option("--allow-any-model", "train also models with layers that look made to copy examples into updates")
    .option("--max-epsilon <e>", "take part only where noise of the clients gives this epsilon or less", positiveNumber)
    .option("--max-delta <d>", "largest delta of that epsilon (default: 0.001)", positiveNumber)
    .action((url: string, flags: JoinFlags, self: Command) => join(url, flags, self));
  acceptsOptions(command, "quiet", "dataDir");
  withExamples(
    command,
    ['anabranch join "http://HOST:8080/join/RUN#token=TOKEN" --data csv:patients.csv?label=sick', "train on own data"],
    ['anabranch join "http://HOST:8080/join/RUN#token=TOKEN" --client 0', "trial: a share of the run's own data set"],
    ['anabranch join "https://HOST/join/RUN#token=TOKEN" --fingerprint SHA256 --data ...', "self-signed certificate"],
  );
}

async function join(url: string, flags: JoinFlags, self: Command): Promise<void> {
  const { globals, output } = parseInvocation(self);
  // loaded here: other commands need neither sockets nor executors
  const { joinRun, parseJoinUrl, readServerTrust } = await import("../../client/index.ts");
  const address = parseJoinUrl(url, { token: flags.token });
  // the command line, which other users can list, may hold the token
  process.title = `anabranch join ${address.base}/join/${address.run}`;
  const trust = await readServerTrust(flags);
  const view = new JoinView(output, address.origin, flags.giveUpAfter);
  using interrupt = listenForInterrupt({
    first: () => view.leaving(),
    second: () => view.close(),
  });
  try {
    const result = await joinRun({
      ...{ address, trust, signal: interrupt.signal },
      data: flags.data,
      client: flags.client,
      dataDir: globals.dataDir,
      name: flags.name,
      labels: flags.label ?? {},
      folder: flags.folder,
      algorithm: flags.algorithm,
      executor: flags.executor,
      giveUpAfterSeconds: flags.giveUpAfter,
      limits: {
        download: flags.limitDownload,
        work: flags.limitWork,
        memory: flags.limitMemory,
        rounds: flags.limitRounds,
        algorithms: flags.limitAlgorithms?.split(",").map((name) => name.trim()),
        minimumExamples: flags.minimumExamples,
        leastClients: flags.leastClients,
        anyModel: flags.allowAnyModel,
        epsilon: flags.maxEpsilon,
        delta: flags.maxDelta,
      },
      report: (event) => view.report(event),
      warn: (text) => view.warn(text),
    });
    view.ended(result);
    process.exitCode = exitCodeFor(result.stopped);
  } finally {
    view.close();
  }
}

/** A run that the server's operator has stopped is no failure of the run. */
function exitCodeFor(stopped: string): number {
  if (stopped === "left") return exitCodes.interrupted;
  return stopped === "diverged" || stopped === "clients-failed" || stopped === "error"
    ? exitCodes.failed
    : exitCodes.ok;
}
