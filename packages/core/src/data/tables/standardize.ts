import type { HostTensor } from "@anabranch/engine";
import type { ArrayDataset } from "../dataset.ts";
import type { Partition } from "../partition.ts";
import { numericFeatures, type TableEncoding } from "./encoding.ts";

/** Mean and standard deviation of a column. */
export type ColumnStatistics = readonly [mean: number, deviation: number];

/**
 * Mean and standard deviation of a number of each example, by sums that are pooled over the clients: first counts and
 * sums, then sums of squared distances from the mean, which loses no digits where the mean is large. A client's sums go in
 * the order of its rows, and clients in their order, so the result never depends on who adds. The deviation is that of the
 * population (divided by n); of a constant column it is 1.
 *
 * @param valueAt the number of a row
 * @returns undefined where no client has examples
 */
export function pooledStatistics(
  { clients }: Partition,
  valueAt: (row: number) => number,
): ColumnStatistics | undefined {
  const count = clients.reduce((sum, rows) => sum + rows.length, 0);
  if (count === 0) return undefined;
  const pooled = (term: (row: number) => number) =>
    clients.reduce((total, rows) => total + rows.reduce((sum, row) => sum + term(row), 0), 0);
  const mean = pooled(valueAt) / count;
  const variance = pooled((row) => (valueAt(row) - mean) ** 2) / count;
  return [mean, variance > 0 ? Math.sqrt(variance) : 1];
}

/**
 * The encoding with mean and deviation of its numeric columns, and of a numeric target: as given by column name, or pooled
 * over the clients' training rows.
 *
 * @example
 * ```ts
 * import { readCsv, standardizeTable, withStatistics } from "@anabranch/core";
 * const file = new TextEncoder().encode("age,y\n1,a\n3,b\n");
 * const data = readCsv(file, { name: "trees.csv", label: "y" });
 * const scaled = standardizeTable(data, withStatistics(data, data.table, { clients: [Int32Array.of(0, 1)] }, {}));
 * [...scaled.features.data]; // => [-1, 1]
 * ```
 */
export function withStatistics(
  { features, labels }: Pick<ArrayDataset, "features" | "labels">,
  encoding: TableEncoding,
  partition: Partition,
  given: Readonly<Record<string, ColumnStatistics>>,
): TableEncoding {
  const width = features.shape[1]!;
  const columns = [...encoding.columns];
  for (const { column, feature } of numericFeatures(encoding)) {
    const { name } = columns[column]!;
    const found = givenOr(given, name, () =>
      pooledStatistics(partition, (row) => features.data[row * width + feature]!),
    );
    if (found !== undefined) columns[column] = { ...columns[column]!, mean: found[0], deviation: found[1] } as never;
  }
  if (labels.dtype !== "float") return { columns };
  const target = givenOr(given, TARGET, () => pooledStatistics(partition, (row) => labels.data[row]!));
  return target === undefined ? { columns } : { columns, target: { mean: target[0], deviation: target[1] } };
}

/** Key of the target's statistics among those of the columns. */
export const TARGET = "target";

function givenOr(
  given: Readonly<Record<string, ColumnStatistics>>,
  name: string,
  pooled: () => ColumnStatistics | undefined,
): ColumnStatistics | undefined {
  return Object.hasOwn(given, name) ? given[name] : pooled();
}

/**
 * A data set with the numbers of an encoding standardised, as `withStatistics` shows: (x - mean) / deviation.
 *
 * @example
 * ```ts
 * import { readCsv, standardizeTable, withStatistics } from "@anabranch/core";
 * const file = new TextEncoder().encode("age,y\n20,a\n40,b\n");
 * const data = readCsv(file, { name: "trees.csv", label: "y" });
 * const encoding = withStatistics(data, data.table, { clients: [Int32Array.of(0, 1)] }, { age: [30, 5] });
 * [...standardizeTable(data, encoding).features.data]; // => [-2, 2]
 * ```
 */
export function standardizeTable<D extends ArrayDataset>(
  dataset: D,
  encoding: TableEncoding,
): D & { table: TableEncoding } {
  const scaled = numericFeatures(encoding).flatMap(({ column, feature }) => {
    const { mean, deviation } = encoding.columns[column] as { mean?: number; deviation?: number };
    return mean === undefined || deviation === undefined ? [] : [{ feature, mean, deviation }];
  });
  const { features, labels } = dataset;
  const { target } = encoding;
  return {
    ...dataset,
    table: encoding,
    features: scaled.length === 0 ? features : scaledFeatures(features, scaled),
    labels:
      target === undefined || labels.dtype !== "float"
        ? labels
        : { ...labels, data: Float32Array.from(labels.data, (y) => (y - target.mean) / target.deviation) },
  };
}

function scaledFeatures(
  features: HostTensor,
  scaled: readonly { feature: number; mean: number; deviation: number }[],
): HostTensor {
  const data = Float32Array.from(features.data);
  const width = features.shape[1]!;
  for (let start = 0; start < data.length; start += width) {
    for (const { feature, mean, deviation } of scaled) {
      data[start + feature] = (data[start + feature]! - mean) / deviation;
    }
  }
  return { ...features, data };
}
