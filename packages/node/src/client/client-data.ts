import {
  type ArrayDataset,
  checkDataset,
  conform,
  createModel,
  createPartitioner,
  exampleCount,
  federate,
  type Partition,
  type RandomKey,
  selectRows,
  splitHoldout,
} from "@anabranch/core";
import type { LocalExamples, TaskDescription } from "@anabranch/core/live";
import { AnabranchError } from "@anabranch/engine";
import { parseDatasetPath } from "../data/dataset-name.ts";
import { loadDataset } from "../data/load-dataset.ts";
import { matchSchema, requireKind } from "./match-schema.ts";

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

/** Rows of a data set, on both sides. */
interface Share {
  readonly dataset: ArrayDataset;
  readonly train: ArrayLike<number>;
  readonly holdout: ArrayLike<number>;
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
  return async (description, client) => {
    const share = options.trial ? await trialShare(description, client, options) : await ownShare(description, options);
    const { data, model, float } = description;
    const example = ({ dtype, shape }: typeof data.features) => ({ dtype, shape: [1, ...shape] });
    const examples = { features: example(data.features), labels: example(data.labels), classes: data.classes };
    const fitting = conform(share.dataset, createModel(model.name, examples, model.options), float);
    const rows = (of: ArrayLike<number>) => {
      const { features, labels } = selectRows(fitting, of);
      return { features, labels };
    };
    return { train: rows(share.train), ...(share.holdout.length > 0 && { holdout: rows(share.holdout) }) };
  };
}

/** The client's own data: all of them, but for what it keeps for evaluation. */
async function ownShare(description: TaskDescription, options: ClientDataOptions): Promise<Share> {
  if (options.data === undefined) throw noData(description);
  const loaded = await load(withoutTestRows(options.data), options);
  checkDataset(loaded.train);
  const dataset = matchSchema(loaded.train, description.data);
  const all: Partition = { clients: [Int32Array.from({ length: exampleCount(dataset) }, (_, row) => row)] };
  const { train, holdout } = splitHoldout(all, description.partition?.holdout ?? 0, options.holdoutKey);
  return { dataset, train: train.clients[0]!, holdout: holdout.clients[0]! };
}

/** The share of a known partition, exactly as a simulation gives it to the client of this number. */
async function trialShare(description: TaskDescription, client: number, options: ClientDataOptions): Promise<Share> {
  const { partition: shared, data: schema } = description;
  if (shared === undefined) throw noPartition(description);
  const name = options.data ?? bundledName(shared.dataset);
  if (name === undefined) throw noData(description);
  const data = await load(name, options);
  requireKind(data.train, schema);
  const partitioner = createPartitioner(shared.scheme, shared.options);
  const { partition, clients } = federate(data, partitioner, { key: shared.key, clients: shared.clients });
  if (client >= clients) throw noShare(client, clients, name);
  const { train, holdout } = splitHoldout(partition, shared.holdout, shared.holdoutKey);
  options.warn(
    "This is a trial: this client has the whole data set and trains on its own share. Real data stay apart.",
  );
  return { dataset: data.train, train: train.clients[client]!, holdout: holdout.clients[client]! };
}

function load(name: string, { dataDir, signal }: ClientDataOptions) {
  return loadDataset(name, { dataDir, signal });
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
function bundledName(name: string): string | undefined {
  return /^[a-z0-9-]+$/.test(name) ? name : undefined;
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

function noShare(client: number, clients: number, name: string): AnabranchError {
  return new AnabranchError({
    code: "data/share",
    message: "the partition has no client of this number",
    where: `data set ${name}`,
    received: `client ${client}`,
    expected: `a number from 0 to ${clients - 1}`,
    advice: "The server may have another version of this data set: compare the files.",
  });
}
