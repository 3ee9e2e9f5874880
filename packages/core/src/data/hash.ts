import { type HostTensor, hashBytes, hashText } from "@anabranch/engine";
import type { ArrayDataset } from "./dataset.ts";
import type { Partition } from "./partition.ts";

/**
 * 64-bit hash of a data set's contents (element types, shapes, values, classes, groups and graph; not its name) as 16 hex
 * digits. Tells whether two runs saw the same data; it is no protection against forgery.
 *
 * @example
 * ```ts
 * import { datasetHash, rootKey, syntheticDataset } from "@anabranch/core";
 * datasetHash(syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 6 })).length; // => 16
 * ```
 */
export function datasetHash(dataset: ArrayDataset): string {
  const parts = [tensorHash(dataset.features), tensorHash(dataset.labels), `classes ${dataset.classes}`];
  if (dataset.graph !== undefined)
    parts.push(`nodes ${arrayHash(dataset.graph.nodes)}`, `edges ${arrayHash(dataset.graph.edges)}`);
  if (dataset.groups !== undefined) parts.push(`groups ${arrayHash(dataset.groups)}`);
  return hashText(parts.join("\n"));
}

/**
 * 64-bit hash of a partition: the number of clients and every row of each, in order.
 *
 * @example
 * ```ts
 * import { partitionHash } from "@anabranch/core";
 * partitionHash({ clients: [Int32Array.of(0, 1)] }).length; // => 16
 * ```
 */
export function partitionHash(partition: Partition): string {
  return hashText(partition.clients.map((rows) => `${rows.length} ${arrayHash(rows)}`).join("\n"));
}

function tensorHash(tensor: HostTensor): string {
  return `${tensor.dtype} ${tensor.data.BYTES_PER_ELEMENT} [${tensor.shape.join(",")}] ${arrayHash(tensor.data)}`;
}

function arrayHash(array: HostTensor["data"]): string {
  return hashBytes(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
}
