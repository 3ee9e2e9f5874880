import { VERSION } from "@anabranch/core";
import {
  type ClientReport,
  type LiveClientResult,
  runLiveClient,
  type TaskDescription,
  systemTimers as timers,
} from "@anabranch/core/live";
import { loadOwnMethod } from "../run/own-method.ts";
import { clientData } from "./client-data.ts";
import { defaultClientFolder, openClientFolder } from "./client-folder.ts";
import { openIdentity } from "./identity-file.ts";
import type { JoinAddress } from "./join-url.ts";
import { keptStatesIn } from "./kept-states-folder.ts";
import { type LimitChoices, limitsOf } from "./limits.ts";
import { secureRecordsIn } from "./secure-records-folder.ts";
import type { ServerTrust } from "./server-trust.ts";
import { openThreadedExecutor } from "./threaded-executor.ts";
import { nodeTransport } from "./transport.ts";

export interface JoinOptions {
  readonly address: JoinAddress;
  readonly trust: ServerTrust;
  /** The client's own data, or those of a trial. */
  readonly data: string | undefined;
  /** The number of a trial client: it takes this share of the run's data set. */
  readonly client: number | undefined;
  readonly dataDir: string | undefined;
  readonly name: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** Default: `clients/RUN`, or `clients/RUN-NUMBER` for a trial. */
  readonly folder: string | undefined;
  readonly limits: LimitChoices;
  /** A file with the algorithm, for runs of an own one. */
  readonly algorithm: string | undefined;
  readonly executor: string;
  readonly giveUpAfterSeconds: number;
  readonly signal: AbortSignal;
  report(event: ClientReport): void;
  /** Told what the operator should know. */
  warn(text: string): void;
}

/** Time for the farewell to reach the server, before what is under way is dropped. */
const LEAVING_MS = 500;

/**
 * Takes part in a live run until it is over or `signal` is aborted: then the client leaves and drops what it is doing.
 *
 * @throws as `runLiveClient`, and what opening the folder, the data, the executor and the own algorithm throw
 */
export async function joinRun(options: JoinOptions): Promise<LiveClientResult> {
  const { address, client, signal, warn } = options;
  const limits = limitsOf(options.limits);
  await using ends = new AsyncDisposableStack();
  const folder = await openClientFolder(options.folder ?? defaultClientFolder(address.run, client));
  ends.defer(() => folder.release());
  const identity = await openIdentity(folder);
  const executor = await openThreadedExecutor(options.executor);
  ends.defer(() => executor.close());
  if (executor.warning !== undefined) warn(executor.warning);
  const transport = nodeTransport(address, { trust: options.trust, mostBytesDown: limits.download });
  ends.defer(() => transport.close());
  const leave = () => {
    const timer = setTimeout(() => {
      transport.close();
      executor.close();
    }, LEAVING_MS);
    ends.defer(() => clearTimeout(timer));
  };
  signal.addEventListener("abort", leave, { once: true });
  ends.defer(() => signal.removeEventListener("abort", leave));
  const { data, dataDir } = options;
  const loadExamples = clientData({
    ...{ data, dataDir, warn, signal },
    trial: client !== undefined,
    holdoutKey: identity.holdoutKey,
  });
  return await runLiveClient({
    ...{ transport, identity, executor, timers, client, signal },
    run: address.run,
    token: address.token,
    states: keptStatesIn(folder),
    records: secureRecordsIn(folder),
    random: Math.random,
    data: async (description, number) => {
      if (description.package !== VERSION) {
        warn(`The server runs Anabranch ${description.package}, this client ${VERSION}.`);
      }
      return loadExamples(description, number);
    },
    algorithm: (description) => ownAlgorithm(options.algorithm, description),
    limits,
    name: options.name,
    labels: { ...options.labels },
    giveUpAfterSeconds: options.giveUpAfterSeconds,
    report: options.report,
  });
}

/** The method of the operator's own file, with the options of the run. The server only names it. */
async function ownAlgorithm(file: string | undefined, { algorithm }: TaskDescription) {
  return file === undefined ? undefined : (await loadOwnMethod(file, algorithm.options, ".")).algorithm;
}
