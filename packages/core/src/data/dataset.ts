import { AnabranchError, type HostTensor } from "@anabranch/engine";
import { checkRowGraph, type RowGraph } from "./row-graph.ts";
import type { TableEncoding } from "./tables/encoding.ts";

/**
 * Examples in memory. Images are uint8 [n, channels, height, width] as read from the file: scaling and normalising is
 * part of the model's graph.
 */
export interface ArrayDataset {
  readonly name: string;
  /** [n, ...featureShape], uint8, int32 or float (Float32Array). */
  readonly features: HostTensor;
  /** [n, ...labelShape], uint8 or int32, each below `classes`; or float [n]: numbers to predict (regression). */
  readonly labels: HostTensor;
  /** Of numbers to predict: 1. */
  readonly classes: number;
  /** Names of the classes, by number. */
  readonly classNames?: readonly string[];
  /** [n] natural owner (speaker, writer, hospital) of each example. */
  readonly groups?: Int32Array;
  /** Names of the owners, by number. */
  readonly groupNames?: readonly string[];
  /** Label of positions that do not count in losses and scores, such as those of a prompt. */
  readonly ignoredLabel?: number;
  /** Where the last so many features are numbers of words, which are these. */
  readonly text?: { readonly length: number; readonly words: readonly string[] };
  /** Where the examples are the nodes of a graph. */
  readonly graph?: RowGraph;
  /** How the columns of a table became features. */
  readonly table?: TableEncoding;
}

/**
 * Number of examples, n.
 *
 * @example
 * ```ts
 * import { exampleCount, rootKey, syntheticDataset } from "@anabranch/core";
 * const data = syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 6 });
 * exampleCount(data); // => 6
 * ```
 */
export function exampleCount(dataset: ArrayDataset): number {
  return dataset.features.shape[0] ?? 0;
}

/**
 * Elements of one example of a tensor [n, ...].
 *
 * @example
 * ```ts
 * import { exampleSize } from "@anabranch/core";
 * exampleSize({ dtype: "uint8", shape: [5, 1, 8, 8], data: new Uint8Array(320) }); // => 64
 * ```
 */
export function exampleSize(tensor: HostTensor): number {
  return tensor.shape.slice(1).reduce((product, extent) => product * extent, 1);
}

/**
 * Rows of a tensor in the given order, copied: [rows, ...].
 *
 * @example
 * ```ts
 * import { selectTensorRows } from "@anabranch/core";
 * const tensor = { dtype: "float", shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) } as const;
 * selectTensorRows(tensor, [2, 0]).data; // => [5, 6, 1, 2]
 * ```
 */
export function selectTensorRows(tensor: HostTensor, rows: ArrayLike<number>): HostTensor {
  const size = exampleSize(tensor);
  const count = tensor.shape[0] ?? 0;
  const data = new (tensor.data.constructor as new (length: number) => HostTensor["data"])(rows.length * size);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    if (!(row >= 0 && row < count)) throw rowOutOfRange(row, count);
    data.set(tensor.data.subarray(row * size, (row + 1) * size), i * size);
  }
  return { dtype: tensor.dtype, shape: [rows.length, ...tensor.shape.slice(1)], data };
}

/**
 * The data set made of the given rows, in that order. Rows may repeat.
 *
 * @example
 * ```ts
 * import { rootKey, selectRows, syntheticDataset } from "@anabranch/core";
 * const data = syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 6 });
 * selectRows(data, [0, 2]).labels.data; // => [0, 0]
 * ```
 */
export function selectRows<D extends ArrayDataset>(dataset: D, rows: ArrayLike<number>, name = dataset.name): D {
  const { groups, graph } = dataset;
  return {
    ...dataset,
    name,
    features: selectTensorRows(dataset.features, rows),
    labels: selectTensorRows(dataset.labels, rows),
    ...(groups && { groups: Int32Array.from(rows, (row) => groups[row]!) }),
    ...(graph && { graph: { ...graph, nodes: Int32Array.from(rows, (row) => graph.nodes[row]!) } }),
  };
}

/**
 * Refuses a data set whose parts do not fit together. Throws `data/shape` (features, labels and groups disagree on the
 * number of examples), `data/graph` (or a graph with them), `data/not-finite` (a feature is NaN or infinite) or `data/label` (a label is no class).
 *
 * @example
 * ```ts
 * import { checkDataset, rootKey, syntheticDataset } from "@anabranch/core";
 * checkDataset(syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 6 })); // throws data/... where not
 * ```
 */
export function checkDataset(dataset: ArrayDataset): void {
  const count = exampleCount(dataset);
  const where = `data set ${dataset.name}`;
  const sizes = { features: dataset.features, labels: dataset.labels };
  for (const [part, tensor] of Object.entries(sizes)) {
    const expected = count * exampleSize(tensor);
    if (tensor.shape[0] !== count || tensor.data.length !== expected) {
      throw new AnabranchError({
        code: "data/shape",
        message: `${part} do not match the number of examples or their own shape`,
        where,
        received: `shape [${tensor.shape.join(", ")}] with ${tensor.data.length} elements`,
        expected: `${count} examples, ${expected} elements`,
      });
    }
  }
  if (dataset.groups !== undefined && dataset.groups.length !== count) {
    throw new AnabranchError({
      code: "data/shape",
      message: "there must be one group for each example",
      where,
      received: `${dataset.groups.length} groups`,
      expected: String(count),
    });
  }
  if (dataset.graph !== undefined) checkRowGraph(dataset.graph, count, where);
  checkFeatures(dataset, where);
  if (dataset.labels.dtype === "float") checkTargets(dataset.labels.data, where);
  else checkLabels(dataset, where);
}

function checkFeatures({ features }: ArrayDataset, where: string): void {
  if (features.dtype !== "float") return;
  const odd = features.data.findIndex((value: number) => !Number.isFinite(value));
  if (odd < 0) return;
  const size = exampleSize(features);
  throw new AnabranchError({
    code: "data/not-finite",
    message: "a feature is not a finite number",
    where: `${where}, example ${Math.floor(odd / size)}, element ${odd % size}`,
    received: String(features.data[odd]),
    expected: "finite numbers",
    advice: "Fill in or leave out what is missing before training: one such example spoils every update it is part of.",
  });
}

function checkLabels(dataset: ArrayDataset, where: string): void {
  const { data } = dataset.labels;
  for (let i = 0; i < data.length; i++) {
    const label = data[i]!;
    if (label >= 0 && label < dataset.classes && Number.isInteger(label)) continue;
    throw new AnabranchError({
      code: "data/label",
      message: `label ${i} is not a class`,
      where,
      received: String(label),
      expected: `an integer from 0 to ${dataset.classes - 1}`,
      advice: "Check the number of classes, and that labels count from 0.",
    });
  }
}

function checkTargets(data: HostTensor["data"], where: string): void {
  const odd = data.findIndex((value: number) => !Number.isFinite(value));
  if (odd < 0) return;
  throw new AnabranchError({
    code: "data/not-finite",
    message: "a target is not a finite number",
    where: `${where}, example ${odd}`,
    received: String(data[odd]),
    expected: "finite numbers",
  });
}

function rowOutOfRange(row: number, count: number): AnabranchError {
  return new AnabranchError({
    code: "data/row",
    message: "a row index points outside the data set",
    received: String(row),
    expected: `an integer from 0 to ${count - 1}`,
  });
}
