import { describe, expect, it } from "vitest";
import { rootKey } from "../random/index.ts";
import {
  classGroups,
  createPartitioner,
  dirichletDisjoint,
  embeddingSkew,
  gini,
  jensenShannon,
  kMeans,
  longTail,
  longTailSizes,
  type PartitionContext,
  partitionReport,
  partitionStatistics,
} from "./index.ts";
import { cutByClass } from "./partitioners/dealing.ts";

const labels = Int32Array.from({ length: 400 }, (_, i) => i % 4);
const context: PartitionContext = { key: rootKey(3), classes: 4, clients: 5 };
const points = (list: readonly number[]) => list.map((x) => Float64Array.of(x));

describe("k-means", () => {
  it("moves centres to the means of their points", () => {
    const { labels: found, centres } = kMeans(points([0, 1, 2, 10, 12]), points([0, 1]));
    expect(Array.from(found)).toEqual([0, 0, 0, 1, 1]);
    expect(centres.map(([x]) => x)).toEqual([1, 11]);
  });

  it("keeps the centre of an empty cluster, and gives ties to the first", () => {
    const { labels: found, centres } = kMeans(points([0, 0]), points([0, 0, 99]));
    expect(Array.from(found)).toEqual([0, 0]);
    expect(centres[2]![0]).toBe(99);
  });

  it("refuses points of another length", () => {
    expect(() => kMeans([Float64Array.of(1, 2)], points([0]))).toThrow("cannot be clustered");
    expect(() => kMeans(points([0]), [])).toThrow("cannot be clustered");
  });
});

describe("the balance rule", () => {
  it("gives nothing more to a client that has its part", () => {
    const shares = [Float64Array.of(1, 0), Float64Array.of(0.9, 0.1)];
    const sizes = cutByClass([10, 10], 2, (label) => shares[label]!, true);
    expect(sizes.map((ofClass) => Array.from(ofClass))).toEqual([
      [10, 0],
      [0, 10],
    ]);
    expect(Array.from(cutByClass([10, 10], 2, (label) => shares[label]!)[1]!)).toEqual([9, 1]);
  });

  it("divides evenly where nobody with room has a share", () => {
    const shares = [Float64Array.of(1, 0, 0), Float64Array.of(1, 0, 0)];
    expect(Array.from(cutByClass([10, 10], 3, (label) => shares[label]!, true)[1]!)).toEqual([0, 5, 5]);
  });

  it("makes sizes more equal, with every example used once", () => {
    const sizes = (balanced: boolean) => {
      const { clients } = dirichletDisjoint({ alpha: 0.3, minimumSize: 1, balanced }).partition(labels, context);
      expect(clients.flatMap((rows) => [...rows]).sort((a, b) => a - b)).toEqual([...labels.keys()]);
      return gini(clients.map(({ length }) => length));
    };
    expect(sizes(true)).toBeLessThan(sizes(false));
  });
});

describe("long tails", () => {
  it("have the sizes of long-tailed CIFAR-10", () => {
    expect(longTailSizes(10, 5000, 0.02)).toEqual([5000, 3237, 2096, 1357, 878, 568, 368, 238, 154, 100]);
    expect(longTailSizes(3, 100, 0.07, "step")).toEqual([100, 100, 7]);
    expect(longTailSizes(1, 7, 0.5)).toEqual([7]);
  });

  it("group classes by the share that is in larger ones", () => {
    expect(classGroups([75, 20, 5])).toEqual(["head", "middle", "tail"]);
    expect(classGroups([74, 20, 6])).toEqual(["head", "head", "middle"]);
    expect(classGroups([5, 5])).toEqual(["head", "head"]);
  });

  it("keep the first half of the classes whole in the step form", () => {
    const { clients } = longTail({ imbalance: 0.1, form: "step" }).partition(labels, { ...context, clients: 1 });
    const { counts } = partitionStatistics({ clients }, labels, 4);
    expect(counts[0]).toEqual([100, 100, 10, 10]);
  });
});

describe("skew by embedding", () => {
  /** Two blobs far apart whose labels say nothing. */
  const features = {
    dtype: "float",
    shape: [400, 2],
    data: Float32Array.from({ length: 800 }, (_, k) => (k % 4 < 2 ? 0 : 50) + Math.sin(k)),
  } as const;
  const options = { clusters: 2, alpha: 0.05, minimumSize: 1 };

  it("divides clusters as the disjoint Dirichlet recipe divides classes", () => {
    const blobs = Int32Array.from({ length: 400 }, (_, i) => i % 2);
    const two = { ...context, classes: 2, clients: 3 };
    const found = embeddingSkew(options).partition(labels, { ...two, features });
    const options2 = { alpha: 0.05, minimumSize: 1 };
    const named = [blobs, blobs.map((blob) => 1 - blob)].map((clusters) =>
      dirichletDisjoint(options2).partition(clusters, two),
    );
    expect(named.map(({ clients }) => clients)).toContainEqual(found.clients);
  });

  it("is the same for one seed, another for another", () => {
    const draw = (seed: number) =>
      embeddingSkew(options).partition(labels, { ...context, key: rootKey(seed), features });
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it("projects long vectors and still finds the blobs", () => {
    const long = {
      dtype: "uint8",
      shape: [40, 100],
      data: Uint8Array.from({ length: 4000 }, (_, k) => (Math.floor(k / 100) % 2) * 200 + (k % 7)),
    } as const;
    const scheme = embeddingSkew({ clusters: 2, alpha: 1e-3, minimumSize: 1 });
    const { clients } = scheme.partition(new Uint8Array(40), { ...context, clients: 2, features: long });
    for (const rows of clients) expect(new Set(rows.map((row) => row % 2)).size).toBe(1);
  });

  it("refuses more clusters than examples, and data without features", () => {
    const scheme = embeddingSkew({ ...options, clusters: 401 });
    expect(() => scheme.partition(labels, { ...context, features })).toThrow("this many clusters");
    expect(() => embeddingSkew(options).partition(labels, context)).toThrow("this many clusters");
  });

  it("is in the table of partitioners", () => {
    expect(createPartitioner("embedding", { clusters: 3 }).reads).toBe("features");
    expect(() => createPartitioner("embedding", { clusters: 0 })).toThrow("option of the partitioner");
  });
});

describe("the partition report", () => {
  it("is 0 apart for equal shares and 1 bit for disjoint ones", () => {
    expect(jensenShannon([0.5, 0.5], [0.5, 0.5])).toBe(0);
    expect(jensenShannon([1, 0], [0, 1])).toBeCloseTo(1, 12);
    // by hand: H(0.5, 0.5) - (H(0.25, 0.75) + H(0.75, 0.25)) / 2
    expect(jensenShannon([0.25, 0.75], [0.75, 0.25])).toBeCloseTo(1 - 0.8112781244591328, 12);
  });

  it("has the Gini coefficient of all pairs", () => {
    const sizes = [62, 70, 52, 103];
    const pairs = sizes.flatMap((a) => sizes.map((b) => Math.abs(a - b))).reduce((a, b) => a + b, 0);
    expect(gini(sizes)).toBeCloseTo(pairs / (2 * 16 * (287 / 4)), 12);
    expect(gini([0, 0])).toBe(0);
  });

  it("leaves clients without data out of divergences", () => {
    const { meanJs, effectiveClasses } = partitionReport([
      [2, 2],
      [0, 0],
      [1, 1],
    ]);
    expect(meanJs).toBe(0);
    expect(effectiveClasses).toEqual([expect.closeTo(2, 12), 0, expect.closeTo(2, 12)]);
  });
});
