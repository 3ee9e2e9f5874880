import { cast, matmul, oneHot, sum } from "@anabranch/engine";
import type { Head } from "../algorithms/head.ts";
import { classScatter, fromUpperTriangle, upperTriangle } from "../heterogeneity/class-scatter.ts";
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
        products: classScatter(inputs, members),
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

/** Statistics by class from the sums of all clients; undefined for classes of which there is no example. */
export function statisticsFrom(sums: Vector, size: HeadSize): (ClassStatistics | undefined)[] {
  const { features: q, classes } = size;
  const [counts, products, totals] = momentsLayout(size).entries.map((entry) => entryView(sums, entry));
  const triangle = upperTriangle(q);
  return Array.from({ length: classes }, (_, c) => {
    const count = counts![c]!;
    if (!(count > 0)) return undefined;
    const mean = Float64Array.from({ length: q }, (_entry, i) => totals![c * q + i]! / count);
    const covariances = triangle.map(([i, j], k) => products![c * triangle.length + k]! / count - mean[i]! * mean[j]!);
    return { count, mean, covariance: fromUpperTriangle(covariances, q) };
  });
}
