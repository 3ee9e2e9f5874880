import { AnabranchError, hashText } from "@anabranch/engine";
import type { RandomKey } from "../random/index.ts";
import { type ArrayDataset, checkDataset, exampleCount } from "./dataset.ts";
import { type DealtGraph, dealGraph } from "./graph-partition.ts";
import { datasetHash, partitionHash } from "./hash.ts";
import type { Partition, Partitioner } from "./partition.ts";
import type { TestRows, TrainTest } from "./split.ts";

/** What a run trains on: a training set dealt out to clients, and a central test set. */
export interface FederatedDataset {
  readonly name: string;
  readonly clients: number;
  readonly train: ArrayDataset;
  readonly partition: Partition;
  readonly test: ArrayDataset;
  /** Where the examples are the nodes of a graph: what of it lies with whom. */
  readonly graph?: DealtGraph | undefined;
  /** Whose the test examples are; undefined where nobody says. */
  readonly testRows: TestRows | undefined;
  /** 64-bit hash of train, test and partition as hex. */
  readonly hash: string;
}

/**
 * Deals a training set out to clients. The number of clients of the result is what the partitioner made. Throws what
 * `checkDataset` and the partitioner throw, `data/empty`, or `data/mismatch` where train and test are of two kinds.
 *
 * @example
 * ```ts
 * import { createPartitioner, federate, rootKey, syntheticDataset } from "@anabranch/core";
 * const part = (firstIndex: number) =>
 *   syntheticDataset(rootKey(1), { shape: [1, 2, 2], classes: 2, examples: 6, firstIndex });
 * const data = { train: part(0), test: part(6) };
 * const { partition } = federate(data, createPartitioner("iid", {}), { key: rootKey(1), clients: 3 });
 * partition.clients.map(({ length }) => length); // => [2, 2, 2]
 * ```
 */
export function federate(
  data: TrainTest,
  partitioner: Partitioner,
  options: { readonly key: RandomKey; readonly clients: number },
): FederatedDataset {
  const { train, test } = data;
  checkDataset(train);
  checkDataset(test);
  checkPair(data);
  const context = { key: options.key, classes: train.classes, clients: options.clients };
  const labelsOf = (set: ArrayDataset) => partitionLabels(set, partitioner);
  const { partition, graph } =
    train.graph === undefined
      ? { partition: partitioner.partition(labelsOf(train), { ...context, ...whatItReads(train, partitioner) }) }
      : dealGraph(data, partitioner, labelsOf, context);
  const [trainHash, testHash] = [datasetHash(train), datasetHash(test)];
  const dealt = [partition, ...(graph === undefined ? [] : [graph.test])].map(partitionHash);
  const hash = hashText([trainHash, testHash, ...dealt].join("\n"));
  const shared = trainHash === testHash || shareOwners(data);
  // all nodes of a graph lie with clients, whatever the data say
  const testRows = graph === undefined ? (data.testRows ?? (shared ? "clients" : undefined)) : "clients";
  return { name: train.name, clients: partition.clients.length, train, partition, test, testRows, hash, graph };
}

function whatItReads({ groups, features }: ArrayDataset, { reads }: Partitioner) {
  return { ...(groups && { groups }), ...(reads === "features" ? { features } : {}) };
}

/** Whether some owner has examples in both sets: by name where both have names, else by number. */
function shareOwners({ train, test }: TrainTest): boolean {
  if (train.groups === undefined || test.groups === undefined) return false;
  const owners = ({ groups, groupNames }: ArrayDataset) =>
    new Set(Array.from(groups!, (group) => (named ? groupNames![group] : group)));
  const named = train.groupNames !== undefined && test.groupNames !== undefined;
  const known = owners(train);
  return [...owners(test)].some((owner) => known.has(owner));
}

function checkPair({ train, test }: TrainTest): void {
  for (const [part, dataset] of Object.entries({ train, test })) {
    if (exampleCount(dataset) > 0) continue;
    throw new AnabranchError({
      code: "data/empty",
      message: `the ${part} part of the data set has no examples`,
      where: `data set ${dataset.name}`,
      expected: "at least one example",
    });
  }
  const kind = ({ features, labels, graph }: ArrayDataset) =>
    [features, labels].map(({ dtype, shape }) => `${dtype}[${shape.slice(1).join(", ")}]`).join(" -> ") +
    (graph === undefined ? "" : ", nodes of a graph");
  if (kind(train) === kind(test)) {
    checkDataset({ ...test, classes: train.classes }); // a model has an output for each class of the training set
    return;
  }
  throw new AnabranchError({
    code: "data/mismatch",
    message: "the test examples are of another kind than the training examples",
    where: `data set ${train.name}`,
    received: `test ${kind(test)}`,
    expected: `${kind(train)}, as in training`,
  });
}

/**
 * One class for each example, [n]. A set with a label for every position of an example (text), or with numbers to predict,
 * has none: rules that do not read labels get zeros, the others are refused.
 *
 * @example
 * ```ts
 * import { createPartitioner, partitionLabels } from "@anabranch/core";
 * // two texts of three characters, which have no class
 * const texts = { dtype: "uint8", shape: [2, 3], data: new Uint8Array(6) } as const;
 * const data = { name: "texts", features: texts, labels: texts, classes: 9 };
 * partitionLabels(data, createPartitioner("iid", {})); // => [0, 0]
 * ```
 */
export function partitionLabels(dataset: ArrayDataset, partitioner: Partitioner): Int32Array | Uint8Array {
  const { labels } = dataset;
  if (labels.shape.length === 1 && labels.dtype !== "float") {
    const { data } = labels;
    return data instanceof Int32Array || data instanceof Uint8Array ? data : Int32Array.from(data);
  }
  if ((partitioner.reads ?? "labels") !== "labels") return new Uint8Array(exampleCount(dataset));
  throw new AnabranchError({
    code: "partition/labels",
    message: `the partitioner ${partitioner.name} needs one class for each example`,
    where: `data set ${dataset.name}`,
    received: labels.dtype === "float" ? "numbers to predict" : `labels of shape [${labels.shape.join(", ")}]`,
    expected: `shape [${exampleCount(dataset)}] of classes`,
    advice: 'Set data.partition.scheme = "natural", "iid" or "quantity-skew" for this data set.',
  });
}
