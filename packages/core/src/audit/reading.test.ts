import { describe, expect, it } from "vitest";
import { assign } from "../clustering/index.ts";
import { mlp } from "../models/index.ts";
import { initialParameters, layout } from "../params/index.ts";
import { deriveKey, randomStream, rootKey } from "../random/index.ts";
import { inputOfLayer, inputsByBin, inputsByRow } from "./analytic.ts";
import { hasParallelRows, isBiasLadder, requireHonestLayers, suspectLayers } from "./broadcast-guard.ts";
import { pruneSmallest, revealingFeatures } from "./defences.ts";
import { matchExamples } from "./image-quality.ts";
import { projectToBall } from "./l1-ball.ts";
import { labelAccuracy, labelsBySmallestEntry, labelsPresent, labelsWithRepeats } from "./label-recovery.ts";
import { structuralSimilarity } from "./structural-similarity.ts";

const draws = (purpose: string) => randomStream(deriveKey(rootKey(5), purpose));

describe("the dense layer", () => {
  it("shows a single example exactly, and nothing where there is no gradient", () => {
    const x = [0.2, -0.4, 0.9];
    const deltas = [0.1, 0, -3];
    const weights = deltas.map((delta) => x.map((value) => delta * value));
    expect(inputOfLayer({ weights, bias: deltas })!.map((v) => Math.round(1e9 * v) / 1e9)).toEqual(x);
    expect(inputsByRow({ weights, bias: deltas })).toHaveLength(2);
    expect(inputOfLayer({ weights: [[0, 0]], bias: [0] })).toBeUndefined();
    expect(inputOfLayer({ weights })).toBeUndefined();
  });

  it("with imprinted rows shows examples that are alone in their bin", () => {
    // examples with measurements 0.15, 0.35, 0.38 and bins of width 0.1: row r is active for those above its edge
    const examples = [
      [0.1, 0.2],
      [0.3, 0.4],
      [0.36, 0.4],
    ];
    const measures = [0.15, 0.35, 0.38];
    const edges = [0, 0.1, 0.2, 0.3, 0.4];
    const errors = [0.5, -0.2, 0.7];
    const active = edges.map((edge) => measures.map((m, i) => (m > edge ? errors[i]! : 0)));
    const weights = active.map((row) => [0, 1].map((k) => row.reduce((s, e, i) => s + e * examples[i]![k]!, 0)));
    const bias = active.map((row) => row.reduce((s, e) => s + e, 0));
    const found = inputsByBin({ weights, bias });
    expect(found.map(({ bin }) => bin)).toEqual([1, 3]);
    expect(found[0]!.x[1]).toBeCloseTo(0.2, 12);
    expect(found[1]!.x[0]).toBeCloseTo((-0.2 * 0.3 + 0.7 * 0.36) / 0.5, 12);
  });
});

describe("labels", () => {
  it("of distinct classes are the negative entries", () => {
    const bias = [-0.3, 0.1, 0.2, -0.2, 0.2];
    expect(labelsPresent(bias)).toEqual([0, 3]);
    expect(
      labelsBySmallestEntry(
        [
          [0.1, -0.2],
          [0, 0.1],
          [0.3, 0],
          [-0.9, 0.2],
          [0, 0],
        ],
        2,
      ),
    ).toEqual([0, 3]);
  });

  it("that repeat are found by how much each takes off", () => {
    // p = 1/4 everywhere, four examples with labels 1, 1, 1, 3
    const bias = [0.25, 0.25 - 0.75, 0.25, 0.25 - 0.25];
    expect(labelsWithRepeats(bias, 4).filter((label) => label === 1).length).toBeGreaterThanOrEqual(3);
    expect(labelAccuracy([1, 1, 1, 3], [1, 1, 1, 1])).toBe(0.75);
    expect(labelsWithRepeats([0.1, 0.2], 2)).toHaveLength(2);
  });
});

describe("the assignment", () => {
  /** All orders, for small problems. */
  const orders = (n: number): number[][] =>
    n === 0
      ? [[]]
      : orders(n - 1).flatMap((o) => Array.from({ length: n }, (_, i) => [...o.slice(0, i), n - 1, ...o.slice(i)]));

  it("costs as little as the best of all orders", () => {
    const stream = draws("assignment");
    for (let trial = 0; trial < 40; trial++) {
      const n = 2 + (trial % 4);
      const costs = Array.from({ length: n }, () => Array.from({ length: n }, () => stream.float()));
      const cost = (of: readonly number[]) => of.reduce((sum, column, row) => sum + costs[row]![column]!, 0);
      const best = Math.min(...orders(n).map(cost));
      expect(cost(assign(costs))).toBeCloseTo(best, 12);
    }
  });

  it("leaves rows over where there are fewer columns, and columns where there are fewer rows", () => {
    expect(assign([[5], [1], [3]])).toEqual([-1, 0, -1]);
    expect(assign([[5, 1, 3]])).toEqual([1]);
    const { psnr, meanPsnr } = matchExamples(
      [
        [0, 0],
        [1, 1],
      ],
      [[1, 0.9]],
    );
    expect(psnr[0]).toBe(Number.NEGATIVE_INFINITY);
    expect(meanPsnr).toBeCloseTo(10 * Math.log10(1 / 0.005), 12);
    expect(matchExamples([[0]], []).meanPsnr).toBeNaN();
  });
});

describe("structural similarity", () => {
  it("is 1 for equal images, less for noise, and follows its formula on constant ones", () => {
    const image = Float64Array.from({ length: 13 * 12 }, (_, i) => ((i * 7) % 11) / 11);
    expect(structuralSimilarity(image, image, 13, 12)).toBeCloseTo(1, 12);
    expect(
      structuralSimilarity(
        image,
        image.map((v) => 1 - v),
        13,
        12,
      ),
    ).toBeLessThan(0);
    const [a, b] = [0.3, 0.6].map((v) => new Float64Array(121).fill(v));
    expect(structuralSimilarity(a!, b!, 11, 11)).toBeCloseTo((2 * 0.18 + 1e-4) / (0.09 + 0.36 + 1e-4), 9);
    expect(() => structuralSimilarity(a!, b!, 10, 12)).toThrow(/window/);
  });
});

describe("the l1 ball", () => {
  it("is reached at the nearest point", () => {
    expect(projectToBall([0.2, -0.1], 1)).toEqual([0.2, -0.1]);
    expect(projectToBall([3, -1], 0)).toEqual([0, 0]);
    const [v, radius] = [[1.4, -1, 0.2, 0.9], 1.3] as const;
    const near = projectToBall(v, radius);
    expect(near.reduce((sum, x) => sum + Math.abs(x), 0)).toBeCloseTo(radius, 12);
    const far = (of: readonly number[]) => of.reduce((sum, x, i) => sum + (x - v[i]!) ** 2, 0);
    const stream = draws("ball");
    for (let trial = 0; trial < 200; trial++) {
      const other = near.map((x) => x + 0.2 * stream.normal());
      const norm = other.reduce((sum, x) => sum + Math.abs(x), 0);
      expect(far(other.map((x) => (norm > radius ? (x * radius) / norm : x)))).toBeGreaterThanOrEqual(
        far(near) - 1e-12,
      );
    }
  });
});

describe("defences", () => {
  it("zero the smallest of every tensor, and of equal ones the first", () => {
    const of = layout([
      { name: "a", shape: [4], role: "vector", block: "a" },
      { name: "b", shape: [2], role: "vector", block: "b" },
    ]);
    const update = Float64Array.of(1, -1, 5, 1, 0.1, 0.2);
    pruneSmallest(update, of, 0.5);
    expect(Array.from(update)).toEqual([0, 0, 5, 1, 0, 0.2]);
  });

  it("keep features that are 0", () => {
    expect(revealingFeatures([0, 1, 2], [[0], [1], [1]], 0.4)).toEqual([2]);
    expect(revealingFeatures([0, 0], [[0], [0]], 0)).toEqual([]);
  });
});

describe("the guard against made layers", () => {
  const net = mlp({ input: [64], inputType: "float", hidden: [32, 32], classes: 2 });
  const of = layout(net.parameters);
  const honest = initialParameters(net.parameters, rootKey(1));
  const changed = (name: string, value: (i: number) => number) => {
    const parameters = Float64Array.from(honest);
    const entry = of.entries.find((e) => e.name === name)!;
    for (let i = 0; i < entry.size; i++) parameters[entry.offset + i] = value(i);
    return parameters;
  };

  it("passes initial weights, dead neurons, a constant bias and heads with opposite rows", () => {
    expect(suspectLayers(honest, of)).toEqual([]);
    expect(
      suspectLayers(
        changed("dense1.bias", () => 0),
        of,
      ),
    ).toEqual([]);
    expect(
      suspectLayers(
        changed("dense2.weight", (i) => (i % 32 < 3 ? 0 : Math.sin(i * i))),
        of,
      ),
    ).toEqual([]);
    expect(
      suspectLayers(
        changed("dense3.weight", (i) => (i % 2 === 0 ? 1 : -1)),
        of,
      ),
    ).toEqual([]);
  });

  it("finds one pair of parallel rows, whichever their signs and sizes, and a ladder of biases", () => {
    const pair = changed("dense1.weight", (i) => {
      const [input, unit] = [Math.floor(i / 32), i % 32];
      return unit === 20 ? -3 * Math.cos(input * input) : unit === 7 ? Math.cos(input * input) : Math.sin(i * i);
    });
    expect(suspectLayers(pair, of)).toEqual([{ block: "dense1", parallelRows: true, biasLadder: false }]);
    const ladder = changed("dense2.bias", (i) => -0.1 - 0.02 * i);
    expect(suspectLayers(ladder, of)).toEqual([{ block: "dense2", parallelRows: false, biasLadder: true }]);
    expect(() => requireHonestLayers(ladder, of)).toThrow(/dense2.*equal steps/s);
    expect(() => requireHonestLayers(honest, of)).not.toThrow();
  });

  it("agrees with all pairs of rows", () => {
    const stream = draws("rows");
    for (let trial = 0; trial < 60; trial++) {
      const rows = Array.from({ length: 12 }, () => Array.from({ length: 3 }, () => stream.normal()));
      if (trial % 2 === 0) rows[11] = rows[4]!.map((v) => -2 * v * (1 + 5e-4 * stream.normal()));
      const cosine = (a: number[], b: number[]) =>
        a.reduce((s, v, i) => s + v * b[i]!, 0) / Math.hypot(...a) / Math.hypot(...b);
      const some = rows.some((a, i) => rows.some((b, j) => i < j && Math.abs(cosine(a, b)) >= 1 - 1e-6));
      expect(hasParallelRows(rows)).toBe(some);
    }
    expect(isBiasLadder([1, 2])).toBe(false);
    expect(isBiasLadder([1, 1, 1])).toBe(false);
  });
});
