import type { RandomKey } from "@anabranch/core";
import {
  imageReading,
  type LocalExamples,
  ownExamples,
  sharedExamples,
  type TaskDescription,
  tableReading,
} from "@anabranch/core/live";
import { AnabranchError } from "@anabranch/engine";
import { parseDatasetPath } from "../data/dataset-name.ts";
import { loadDataset } from "../data/load-dataset.ts";

export interface ClientDataOptions {
  /** --data: the name of a data set, or files such as "csv:PATH?label=COLUMN". */
  readonly data: string | undefined;
  /** Whether the client takes its share of a data set that all clients have (--client). */
  readonly trial: boolean;
  readonly dataDir: string | undefined;
  /** Decides which of its own examples the client keeps for evaluation. */
  readonly holdoutKey: RandomKey;
  readonly signal?: AbortSignal | undefined;
  /** Told that the clients of a trial see all data. */
  warn(text: string): void;
}

/**
 * What a client trains on. Only what its operator has named is read: a server can name a bundled data set and nothing
 * else.
 *
 * @throws `usage/client-data`, `data/...`, `partition/...`, and what loading throws
 */
export function clientData(
  options: ClientDataOptions,
): (description: TaskDescription, client: number) => Promise<LocalExamples> {
  return (description, client) =>
    options.trial ? trialShare(description, client, options) : ownShare(description, options);
}

async function ownShare(description: TaskDescription, options: ClientDataOptions): Promise<LocalExamples> {
  if (options.data === undefined) throw noData(description);
  const { train } = await load(withoutTestRows(options.data), description, options);
  return ownExamples(train, description, options.holdoutKey);
}

async function trialShare(
  description: TaskDescription,
  client: number,
  options: ClientDataOptions,
): Promise<LocalExamples> {
  const { partition: shared } = description;
  if (shared === undefined) throw noPartition(description);
  const name = options.data ?? bundledName(shared.dataset);
  if (name === undefined) throw noData(description);
  const examples = sharedExamples(await load(name, description, options), description, shared, client);
  options.warn(
    "This is a trial: this client has the whole data set and trains on its own share. Real data stay apart.",
  );
  return examples;
}

function load(name: string, { data }: TaskDescription, { dataDir, signal }: ClientDataOptions) {
  return loadDataset(name, { dataDir, signal, reading: { ...tableReading(data), image: imageReading(data) } });
}

/** A client has no test set: of files without one of their own, all examples are for training. */
function withoutTestRows(name: string): string {
  const path = parseDatasetPath(name);
  if (path === undefined || path.kind === "module" || "test" in path.options || "testFraction" in path.options) {
    return name;
  }
  return `${name}${name.includes("?") ? "&" : "?"}testFraction=0`;
}

/** A name that stands for no file of this machine that its operator did not choose. */
function bundledName(name: string | undefined): string | undefined {
  return name !== undefined && /^[a-z0-9-]+$/.test(name) ? name : undefined;
}

function noData({ data }: TaskDescription): AnabranchError {
  const { dtype, shape } = data.features;
  return new AnabranchError({
    code: "usage/client-data",
    message: "this client was given no data",
    expected: `examples like those of ${data.name}: ${dtype}[${shape.join(", ")}], ${data.classes} classes`,
    advice: "Add --data, such as --data csv:PATH?label=COLUMN. For a trial with known data, add --client NUMBER.",
  });
}

function noPartition({ data }: TaskDescription): AnabranchError {
  return new AnabranchError({
    code: "usage/client-data",
    message: "the run has no data set of which a trial client could take a share",
    received: `the data set ${data.name}`,
    advice: "Leave --client out and name this client's own data with --data.",
  });
}
