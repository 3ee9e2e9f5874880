import {
  cast,
  concat,
  constant,
  expandDims,
  gather,
  matmul,
  mul,
  oneHot,
  reshape,
  slice,
  sum,
  type Tensor,
} from "@anabranch/engine";
import type { Head } from "../algorithms/head.ts";
import type { ClassStatistics } from "../heterogeneity/index.ts";
import { entryView, type Layout, layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import type { Measurement } from "./round-statistic.ts";

type HeadSize = Pick<Head, "features" | "classes">;

/** Numbers, sums and products of what enters the head, by class: sums, from which means and covariances of all clients follow. */
export function classMoments({ features: q, classes }: HeadSize): Measurement {
  return {
    name: "classes",
    key: "training.calibration.samples",
    upload: { layout: momentsLayout({ features: q, classes }), aggregation: "sum", classStatistics: true },
    measure({ headInputs, labels }) {
      const inputs = headInputs();
      const members = oneHot(labels.dtype === "int32" ? labels : cast(labels, "int32"), classes);
      return {
        counts: sum(members, [0]),
        products: products(inputs, members, classes),
        sums: matmul(members, inputs, { transposeA: true }),
      };
    },
  };
}

function momentsLayout({ features: q, classes }: HeadSize): Layout {
  const spec = (name: string, shape: readonly number[]) => ({ name, shape, role: "vector", block: name }) as const;
  return layout([
    spec("counts", [classes]),
    spec("products", [classes, (q * (q + 1)) / 2]),
    spec("sums", [classes, q]),
  ]);
}

/** The upper triangles of sum x x^T over the members of each class, [C, q (q + 1) / 2]. */
function products(inputs: Tensor, members: Tensor, classes: number): Tensor {
  const [n, q] = [inputs.shape[0]!, inputs.shape[1] as number];
  const kept = triangle(q).map(([i, j]) => i * q + j);
  const rows = Array.from({ length: classes }, (_, c) => {
    const own = mul(inputs, slice(members, [0, c], [n, c + 1]));
    return reshape(matmul(own, inputs, { transposeA: true }), [q * q]);
  });
  const places = constant(kept, [kept.length], "int32");
  return concat(
    rows.map((row) => expandDims(gather(row, places), 0)),
    0,
  );
}

/** Statistics by class from the sums of all clients; undefined for classes of which there is no example. */
export function statisticsFrom(sums: Vector, size: HeadSize): (ClassStatistics | undefined)[] {
  const { features: q, classes } = size;
  const [counts, products, totals] = momentsLayout(size).entries.map((entry) => entryView(sums, entry));
  const pairs = triangle(q);
  return Array.from({ length: classes }, (_, c) => {
    const count = counts![c]!;
    if (!(count > 0)) return undefined;
    const mean = Float64Array.from({ length: q }, (_entry, i) => totals![c * q + i]! / count);
    const covariance = new Float64Array(q * q);
    for (const [k, [i, j]] of pairs.entries()) {
      const value = products![c * pairs.length + k]! / count - mean[i]! * mean[j]!;
      covariance[i * q + j] = value;
      covariance[j * q + i] = value;
    }
    return { count, mean, covariance };
  });
}

/** Rows and columns of the upper triangle of a matrix [q, q], row by row. */
function triangle(q: number): (readonly [number, number])[] {
  return Array.from({ length: q }, (_, i) => Array.from({ length: q - i }, (_entry, j) => [i, i + j] as const)).flat();
}
