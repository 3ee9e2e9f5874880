import {
  concat,
  constant,
  div,
  expandDims,
  gather,
  greater,
  matmul,
  maximum,
  mul,
  oneHot,
  reshape,
  slice,
  sub,
  sum,
  type Tensor,
  transpose,
  where,
} from "@anabranch/engine";
import { entryView, type Layout, layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import type { ClassStatistics } from "./class-statistics.ts";

/** Classes C, and width q of what enters the head. */
export interface ClassShape {
  readonly classes: number;
  readonly features: number;
}

/** Name of every entry of the message, which are all that leaves a client of its classes. */
type Entry = "count" | "mean" | "covariance";

/**
 * The message of a client's class statistics: count [C], mean [C, q] and, where asked for, the upper triangles of the
 * covariances [C, q (q + 1) / 2]. A class that the client does not tell of is all zeros.
 */
export function classLayout({ classes, features }: ClassShape, covariances: boolean): Layout {
  const entry = (name: Entry, shape: readonly number[]) => ({ name, shape, role: "vector" as const, block: name });
  return layout([
    entry("count", [classes]),
    entry("mean", [classes, features]),
    ...(covariances ? [entry("covariance", [classes, triangleOf(features).length])] : []),
  ]);
}

/**
 * A client's message, traced. Covariances are around the means and over n.
 *
 * @param features [n, q]
 * @param labels [n]
 * @param minimumCount classes with fewer examples are left out: the mean of a single example is that example's feature
 */
export function classMessage(
  { features, labels }: { readonly features: Tensor; readonly labels: Tensor },
  classes: number,
  { minimumCount, covariances }: { readonly minimumCount: number; readonly covariances: boolean },
): Readonly<Record<string, Tensor>> {
  const members = oneHot(labels, classes);
  const counts = sum(members, [0]);
  const told = where(greater(counts, minimumCount - 0.5), 1, 0);
  const divisors = expandDims(maximum(counts, 1), 1);
  const means = div(matmul(transpose(members, [1, 0]), features), divisors);
  const shown = (rows: Tensor) => mul(rows, expandDims(told, 1));
  const message = { count: mul(counts, told), mean: shown(means) };
  if (!covariances) return message;
  const deviations = sub(features, gather(means, labels, 0));
  return { ...message, covariance: shown(div(scatters(deviations, members, classes), divisors)) };
}

/** The upper triangles of sum_n d_n d_n^T over the members of each class, [C, q (q + 1) / 2]. */
function scatters(deviations: Tensor, members: Tensor, classes: number): Tensor {
  const q = deviations.shape[1] as number;
  const kept = triangleOf(q);
  const places = constant(
    kept.map(([i, j]) => i * q + j),
    [kept.length],
    "int32",
  );
  const n = deviations.shape[0]!;
  const rows = Array.from({ length: classes }, (_, c) => {
    const own = mul(deviations, slice(members, [0, c], [n, c + 1]));
    return gather(reshape(matmul(transpose(own, [1, 0]), deviations), [1, q * q]), places, 1);
  });
  return concat(rows, 0);
}

/** The statistics by class of a client's message; undefined for classes that it does not tell of. */
export function readClassMessage(
  message: Vector,
  shape: ClassShape,
  covariances: boolean,
): (ClassStatistics | undefined)[] {
  const { entries } = classLayout(shape, covariances);
  const valuesOf = (name: Entry, c: number, size: number): Float64Array => {
    const entry = entries.find((one) => one.name === name);
    return entry === undefined
      ? new Float64Array(0)
      : Float64Array.from(entryView(message, entry).subarray(c * size, (c + 1) * size));
  };
  const triangle = triangleOf(shape.features);
  return Array.from({ length: shape.classes }, (_, c) => {
    const [count] = valuesOf("count", c, 1) as unknown as [number];
    if (!(count > 0)) return undefined;
    const packed = valuesOf("covariance", c, triangle.length);
    const covariance = new Float64Array(packed.length === 0 ? 0 : shape.features ** 2);
    for (const [k, value] of packed.entries()) {
      const [i, j] = triangle[k]!;
      covariance[i * shape.features + j] = value;
      covariance[j * shape.features + i] = value;
    }
    return { count, mean: valuesOf("mean", c, shape.features), covariance };
  });
}

/** Rows and columns of the upper triangle of a matrix [q, q], row by row. */
function triangleOf(q: number): (readonly [number, number])[] {
  return Array.from({ length: q }, (_, i) => Array.from({ length: q - i }, (_entry, j) => [i, i + j] as const)).flat();
}
