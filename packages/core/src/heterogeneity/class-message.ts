import {
  div,
  expandDims,
  gather,
  greater,
  matmul,
  maximum,
  mul,
  oneHot,
  sub,
  sum,
  type Tensor,
  transpose,
  where,
} from "@anabranch/engine";
import { entryView, type Layout, layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import { classScatter, fromUpperTriangle, upperTriangle } from "./class-scatter.ts";
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
    ...(covariances ? [entry("covariance", [classes, upperTriangle(features).length])] : []),
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
  return { ...message, covariance: shown(div(classScatter(deviations, members), divisors)) };
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
  const packedSize = covariances ? upperTriangle(shape.features).length : 0;
  return Array.from({ length: shape.classes }, (_, c) => {
    const [count] = valuesOf("count", c, 1) as unknown as [number];
    if (!(count > 0)) return undefined;
    const packed = valuesOf("covariance", c, packedSize);
    const covariance = covariances ? fromUpperTriangle(packed, shape.features) : new Float64Array(0);
    return { count, mean: valuesOf("mean", c, shape.features), covariance };
  });
}
