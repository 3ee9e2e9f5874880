import { AnabranchError, type HostTensor, hashText } from "@anabranch/engine";
import { deriveKey, permutation, type RandomKey, type RandomStream, randomStream } from "../random/index.ts";
import { type ArrayDataset, exampleCount, exampleSize, selectRows } from "./dataset.ts";
import type { FederatedDataset } from "./federated.ts";
import { datasetHash, partitionHash } from "./hash.ts";

/**
 * How examples of clients can differ, by name.
 *
 * @example
 * ```ts
 * import { shiftKinds } from "@anabranch/core";
 * shiftKinds.includes("rotation"); // => true
 * ```
 */
export const shiftKinds = ["none", "labels", "rotation", "permutation", "pixels", "noise"] as const;

/** How the examples of clients differ beyond which classes they have. */
export interface ShiftSettings {
  readonly kind: (typeof shiftKinds)[number];
  /** Groups of clients with one shift each: the first group has none. "noise" is different for every client. */
  readonly groups: number;
  /** Standard deviation of the noise of the last client, in parts of the range of pixels, or in units of float features. */
  readonly strength: number;
}

/**
 * Changes the training examples of each client as its group has it; test examples stay. Groups are runs of clients: of 20
 * clients in 2 groups, 10 to 19 are in the second. In group g of G:
 *
 * - "labels": class y becomes (y + g floor(C / G)) mod C, so that groups disagree about the same images;
 * - "rotation": square images are turned by g / G of a full circle, G of 1, 2 or 4;
 * - "permutation": pixels are in another order, drawn from the key;
 * - "pixels": one of four synthetic pixel domains x, 0.4 x + 0.5, 0.5 x - 0.5, 2 sqrt((x + 1) / 2) - 1 on [-1, 1];
 * - "noise": client i of N gets normal noise of deviation strength i / (N - 1), as in NIID-Bench.
 *
 * Noise is drawn with Math.log, so its last bits may differ between JavaScript engines.
 *
 * Rotations: A. Ghosh et al., "An Efficient Framework for Clustered Federated Learning", NeurIPS 2020. Noise: Q. Li et al.,
 * "Federated Learning on Non-IID Data Silos", ICDE 2022.
 *
 * @throws `data/shift` for groups or data that a kind cannot have
 *
 * @example
 * ```ts
 * import { createPartitioner, federate, rootKey, shiftClients } from "@anabranch/core";
 * const labels = { dtype: "uint8", shape: [4], data: new Uint8Array(4) } as const;
 * const features = { dtype: "float", shape: [4, 1], data: new Float32Array(4) } as const;
 * const set = { name: "zeros", features, labels, classes: 2 };
 * const key = rootKey(1);
 * const dealt = federate({ train: set, test: set }, createPartitioner("iid", {}), { key, clients: 2 });
 * const shifted = shiftClients(dealt, { kind: "labels", groups: 2, strength: 0 }, key);
 * shifted.train.labels.data; // => [0, 0, 1, 1]
 * ```
 */
export function shiftClients(data: FederatedDataset, settings: ShiftSettings, key: RandomKey): FederatedDataset {
  if (settings.kind === "none") return data;
  requireFit(data, settings);
  const { clients } = data.partition;
  const parts = clients.map((rows, client) => {
    const own = selectRows(data.train, rows);
    const group = Math.floor((client * settings.groups) / clients.length);
    return shifted(own, settings, { group, client, clients: clients.length, key: deriveKey(key, "shift") });
  });
  const train = joined(data.train, parts);
  let next = 0;
  const partition = {
    clients: clients.map(({ length }) => Int32Array.from({ length }, () => next++)),
  };
  const hash = hashText([datasetHash(train), datasetHash(data.test), partitionHash(partition)].join("\n"));
  return { ...data, train, partition, hash };
}

interface Place {
  readonly group: number;
  readonly client: number;
  readonly clients: number;
  readonly key: RandomKey;
}

function shifted(own: ArrayDataset, { kind, groups, strength }: ShiftSettings, place: Place): ArrayDataset {
  const { group, client, clients, key } = place;
  const { features, labels, classes } = own;
  const mapped = (map: (values: HostTensor["data"], size: number) => void): ArrayDataset => {
    const data = features.data.slice();
    const size = exampleSize(features);
    for (let i = 0; i < exampleCount(own); i++) map(data.subarray(i * size, (i + 1) * size), size);
    return { ...own, features: { ...features, data } };
  };
  if (kind === "noise") {
    const deviation = clients === 1 ? 0 : (strength * client) / (clients - 1);
    const stream = randomStream(deriveKey(key, "noise", client));
    return mapped((values) => addNoise(values, deviation, stream, features.dtype));
  }
  if (group === 0) return own;
  if (kind === "labels") {
    const step = group * Math.floor(classes / groups);
    return { ...own, labels: { ...labels, data: labels.data.map((label) => (label + step) % classes) } };
  }
  if (kind === "pixels") return mapped((values) => toDomain(values, group));
  const size = exampleSize(features);
  const order =
    kind === "permutation"
      ? permutation(randomStream(deriveKey(key, "permutation", group)), size)
      : turned(features.shape.slice(1), (4 * group) / groups);
  return mapped((values) => {
    const before = values.slice();
    for (let j = 0; j < size; j++) values[j] = before[order[j]!]!;
  });
}

/** Grey levels stay whole and within their range. */
function addNoise(values: HostTensor["data"], deviation: number, stream: RandomStream, dtype: string): void {
  const [scale, clip] = dtype === "uint8" ? [255, grey] : [1, (x: number) => x];
  for (let j = 0; j < values.length; j++) values[j] = clip(values[j]! + scale * deviation * stream.normal());
}

const grey = (value: number) => Math.min(255, Math.max(0, Math.round(value)));

const domains: readonly ((x: number) => number)[] = [
  (x) => x,
  (x) => 0.4 * x + 0.5,
  (x) => 0.5 * x - 0.5,
  (x) => 2 * Math.sqrt((x + 1) / 2) - 1,
];

function toDomain(values: HostTensor["data"], group: number): void {
  for (let j = 0; j < values.length; j++) values[j] = grey((domains[group]!(values[j]! / 127.5 - 1) + 1) * 127.5);
}

/** Whose pixel each pixel of an image [channels, n, n] gets after quarter turns. */
function turned([channels, n]: readonly number[], quarters: number): Int32Array {
  const order = new Int32Array(channels! * n! * n!);
  for (let place = 0; place < order.length; place++) {
    let [row, column] = [Math.floor(place / n!) % n!, place % n!];
    for (let turn = 0; turn < quarters; turn++) [row, column] = [column, n! - 1 - row];
    order[place] = Math.floor(place / (n! * n!)) * n! * n! + row * n! + column;
  }
  return order;
}

/** Parts of one data set, one after the other. */
function joined(like: ArrayDataset, parts: readonly ArrayDataset[]): ArrayDataset {
  const rows = parts.reduce((sum, part) => sum + exampleCount(part), 0);
  const together = (pick: (part: ArrayDataset) => HostTensor): HostTensor => {
    const { dtype, shape, data } = pick(like);
    const all = new (data.constructor as new (length: number) => typeof data)(rows * exampleSize(pick(like)));
    let offset = 0;
    for (const part of parts) {
      all.set(pick(part).data, offset);
      offset += pick(part).data.length;
    }
    return { dtype, shape: [rows, ...shape.slice(1)], data: all };
  };
  const groups = like.groups && Int32Array.from(parts.flatMap((part) => [...part.groups!]));
  return {
    ...like,
    features: together((part) => part.features),
    labels: together((part) => part.labels),
    ...(groups && { groups }),
  };
}

function requireFit({ train, partition }: FederatedDataset, { kind, groups }: ShiftSettings): void {
  const { features, labels, classes, text } = train;
  const shape = features.shape.slice(1);
  const shown = `${kind} in ${groups} groups for ${features.dtype}[${shape.join(", ")}] with ${classes} classes`;
  const refuse = (expected: string): never => {
    throw new AnabranchError({
      code: "data/shift",
      message: "this shift does not fit the data",
      where: "data.shift",
      received: shown,
      expected,
    });
  };
  if (text !== undefined && kind !== "labels") refuse('"labels", as some features are words');
  if (kind !== "noise" && groups > partition.clients.length)
    refuse(`at most ${partition.clients.length} groups, one per client`);
  if (kind === "labels" && (labels.dtype === "float" || groups > classes))
    refuse(`classes, and at most ${classes} groups`);
  if (kind === "pixels" && (features.dtype !== "uint8" || groups > domains.length))
    refuse(`images, and at most ${domains.length} groups`);
  const isSquare = shape.length === 3 && shape[1] === shape[2];
  if (kind === "rotation" && !(isSquare && 4 % groups === 0))
    refuse("square images [channels, n, n], and 1, 2 or 4 groups");
  if (kind === "noise" && features.dtype === "int32") refuse("images or float features");
}
