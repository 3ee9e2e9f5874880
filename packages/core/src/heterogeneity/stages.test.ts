import { describe, expect, it } from "vitest";
import { layout } from "../params/index.ts";
import {
  augmentedFeature,
  balancedAssignment,
  clusteringAccuracy,
  easiestFirst,
  emptyBasis,
  extendBasis,
  fuseKnowledge,
  geometryOf,
  harderExamples,
  newInputs,
  type Pacing,
  pooledStatistics,
  projectedUpdate,
  projectorOf,
  type RowMatrix,
  revisedUpdates,
  sketchInputs,
  statisticsOf,
  visibleExamples,
  visiblePart,
} from "./index.ts";

/** Numbers that look random and are the same everywhere. */
function numbers(count: number, seed: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (state * 48271) % 2147483647;
    return state / 1073741823.5 - 1;
  });
}
const table = (rows: number, columns: number, seed: number) =>
  Array.from({ length: rows }, (_, i) => numbers(columns, seed + 7919 * (i + 1)));
const matrixOf = (rows: readonly (readonly number[])[]): RowMatrix => {
  return { rows: rows.length, columns: rows[0]!.length, values: Float64Array.from(rows.flat()) };
};

describe("KnFu", () => {
  const outputs = [
    [
      [0.8, 0.2],
      [0.6, 0.4],
    ],
    [
      [0.1, 0.9],
      [0.3, 0.7],
    ],
    [
      [0.7, 0.3],
      [0.7, 0.3],
    ],
  ];

  it("is the uniform mean with sharpness 0 and local with an infinite one", () => {
    const mean = fuseKnowledge(outputs, 0).fused;
    expect(mean[0]![0]).toEqual([expect.closeTo(1.6 / 3, 12), expect.closeTo(1.4 / 3, 12)]);
    expect(mean[2]).toEqual(mean[0]);
    expect(fuseKnowledge(outputs, Number.POSITIVE_INFINITY).fused).toEqual(outputs);
  });

  it("learns most from whom expects the same classes", () => {
    const { priors, weights } = fuseKnowledge(outputs, 10);
    expect(priors[0]).toEqual([0.7, expect.closeTo(0.3, 12)]);
    expect(weights[0]![2]).toBeGreaterThan(0.4);
    expect(weights[0]![1]).toBeLessThan(0.1);
    expect(weights[0]!.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
  });
});

describe("FedLD's revision", () => {
  const space = layout([
    { name: "a", shape: [3], role: "vector", block: "a" },
    { name: "b", shape: [2], role: "vector", block: "b" },
  ]);
  const revise = (updates: readonly number[][], rho = 1) =>
    revisedUpdates(
      updates.map((update) => Float64Array.from(update)),
      space,
      rho,
    );

  it("leaves equal updates as they are", () => {
    const [revised] = revise([
      [1, 2, 3, -1, 0.5],
      [1, 2, 3, -1, 0.5],
      [1, 2, 3, -1, 0.5],
    ]);
    expect(Array.from(revised!)).toEqual([1, 2, 3, -1, 0.5].map((x) => expect.closeTo(x, 9)));
  });

  it("keeps opposite updates opposite, scales with them and follows their order", () => {
    const updates = table(3, 5, 3);
    const revised = revise(updates, 0.7);
    const opposite = revise([updates[0]!, updates[0]!.map((x) => -x)]);
    expect(Array.from(opposite[1]!)).toEqual(Array.from(opposite[0]!, (x) => expect.closeTo(-x, 9)));
    const doubled = revise(
      updates.map((update) => update.map((x) => 2 * x)),
      0.7,
    );
    expect(Array.from(doubled[1]!)).toEqual(Array.from(revised[1]!, (x) => expect.closeTo(2 * x, 9)));
    const turned = revise([updates[2]!, updates[0]!, updates[1]!], 0.7);
    expect(Array.from(turned[1]!)).toEqual(Array.from(revised[0]!, (x) => expect.closeTo(x, 9)));
  });

  it("goes along the first direction alone with one", () => {
    // two orthogonal tensors, the first longer: its direction is the first, and the other has no part in it
    const [long, short] = revise(
      [
        [3, 0, 0, 0, 0],
        [0, 1, 0, 0, 0],
      ],
      0.5,
    );
    expect(Array.from(long!)).toEqual(
      [expect.closeTo(2.7, 9), 0, 0, 0, 0].map((x) => (x === 0 ? expect.closeTo(0, 9) : x)),
    );
    expect(Math.hypot(...short!)).toBeCloseTo(0, 9);
  });

  it("makes nothing of nothing", () => {
    expect(
      revise([
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
      ])
        .flatMap((x) => [...x])
        .every((x) => x === 0),
    ).toBe(true);
  });
});

describe("class statistics", () => {
  const rows = table(9, 3, 11);

  it("pool to those of all rows", () => {
    const pooled = pooledStatistics([
      statisticsOf(rows.slice(0, 2)),
      statisticsOf(rows.slice(2, 3)),
      statisticsOf(rows.slice(3)),
    ]);
    const all = statisticsOf(rows);
    expect(pooled.count).toBe(9);
    for (const [j, x] of all.mean.entries()) expect(pooled.mean[j]).toBeCloseTo(x, 12);
    for (const [j, x] of all.covariance.entries()) expect(pooled.covariance[j]).toBeCloseTo(x, 12);
  });

  it("have directions that rebuild the covariance", () => {
    const all = statisticsOf(rows);
    const { variances, directions } = geometryOf(all);
    expect(variances).toEqual([...variances].sort((a, b) => b - a));
    for (const [k, x] of all.covariance.entries()) {
      const [i, j] = [Math.floor(k / 3), k % 3];
      const sum = directions.reduce((total, u, n) => total + variances[n]! * u[i]! * u[j]!, 0);
      expect(sum).toBeCloseTo(x, 12);
    }
    for (const u of directions) expect(Math.max(...u)).toBe(Math.max(...u.map(Math.abs)));
  });

  it("move a base along them, and not where a class does not vary", () => {
    const still = geometryOf(statisticsOf([[1, 2]]));
    expect(Array.from(augmentedFeature([5, 6], still, [3, 3]))).toEqual([5, 6]);
    const line = geometryOf(
      statisticsOf([
        [-1, 0],
        [1, 0],
      ]),
    );
    expect(Array.from(augmentedFeature([0, 7], line, [2, 9]))).toEqual([2, 7]);
  });
});

describe("USEFUL", () => {
  it("repeats the group with the higher loss of large classes, class by class", () => {
    const outputs = [
      [0.9, 0.1],
      [0.6, 0.4],
      [0.85, 0.15],
      [0.4, 0.6],
      [0.2, 0.8],
      [0.9, 0.1],
      [0.1, 0.9],
    ];
    expect(harderExamples(outputs, [0, 1, 0, 0, 1, 1, 1], 3)).toEqual([3, 1, 5]);
    expect(harderExamples(outputs, [0, 1, 0, 0, 1, 1, 1], 4)).toEqual([1, 5]);
    expect(harderExamples(outputs, [0, 1, 0, 0, 1, 1, 1], 5)).toEqual([]);
  });

  it("repeats nothing of a class whose examples are all alike", () => {
    expect(
      harderExamples(
        [
          [0.5, 0.5],
          [0.5, 0.5],
        ],
        [0, 0],
        1,
      ),
    ).toEqual([]);
  });
});

describe("curricula", () => {
  const settings = { a: 0.5, b: 0.2, horizon: 20 };

  it.each<[Pacing, number]>([
    ["linear", 0.6],
    ["polynomial", 0.4],
    ["log", 0.2 + 0.8 * (1 + 0.1 * Math.log(0.5 + Math.exp(-10)))],
    ["exponential", 0.2 + (0.8 * (Math.exp(5) - 1)) / (Math.exp(10) - 1)],
    ["step", 0.2],
  ])("%s pacing starts at b, is %s half-way and 1 at the end", (pacing, half) => {
    expect(visiblePart(pacing, 0, settings)).toBeCloseTo(0.2, 12);
    expect(visiblePart(pacing, 5, settings)).toBeCloseTo(half, 12);
    expect(visiblePart(pacing, 10, settings)).toBe(1);
    expect(visiblePart(pacing, 19, settings)).toBe(1);
  });

  it("shows everything with b = 1 or a = 0", () => {
    expect(visiblePart("linear", 0, { ...settings, b: 1 })).toBe(1);
    expect(visiblePart("linear", 0, { ...settings, a: 0 })).toBe(1);
  });

  it("nests what is visible; anti is the exact reverse, ties included", () => {
    const scores = [3, 1, 1, 2, 5];
    expect(easiestFirst(scores)).toEqual([1, 2, 3, 0, 4]);
    expect([0, 0.2, 0.4, 0.5, 1].map((part) => visibleExamples(scores, part, "curriculum").length)).toEqual([
      1, 1, 2, 3, 5,
    ]);
    expect(visibleExamples(scores, 0.6, "anti")).toEqual([0, 3, 4]);
    expect(visibleExamples(scores, 0.8, "anti")).toEqual([0, 2, 3, 4]);
  });
});

describe("balanced assignment", () => {
  it("has rows that sum to 1 and columns that are nearly equal", () => {
    const rows = balancedAssignment(table(8, 4, 5), { epsilon: 0.5, iterations: 60 });
    for (const row of rows) expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
    for (const c of [0, 1, 2, 3]) expect(rows.reduce((sum, row) => sum + row[c]!, 0)).toBeCloseTo(2, 2);
  });

  it("stays finite for large scores", () => {
    expect(
      balancedAssignment(
        [
          [900, 0],
          [0, 900],
        ],
        { epsilon: 1, iterations: 3 },
      )
        .flat()
        .every(Number.isFinite),
    ).toBe(true);
  });
});

describe("clustering accuracy", () => {
  it("names clusters so that accuracy does not depend on their numbers", () => {
    const truth = [0, 0, 1, 2, 2, 2];
    expect(clusteringAccuracy([2, 2, 0, 1, 1, 0], truth, 3)).toBeCloseTo(5 / 6, 12);
    expect(clusteringAccuracy([0, 0, 1, 2, 2, 1], truth, 3)).toBeCloseTo(5 / 6, 12);
    expect(clusteringAccuracy([], [], 3)).toBe(0);
  });
});

describe("orthogonal training", () => {
  const inputs = matrixOf(table(4, 6, 9));
  const directions = matrixOf(table(6, 5, 21));
  const first = extendBasis(emptyBasis(4), [sketchInputs(emptyBasis(4), inputs, directions)], 0.9);

  it("takes as few directions as hold more than the threshold", () => {
    const { spectrum, added, threshold, meanRatio } = first;
    const total = spectrum.reduce((a, b) => a + b, 0);
    const share = (k: number) => spectrum.slice(0, k).reduce((a, b) => a + b, 0) / total;
    expect(meanRatio).toBe(1);
    expect(threshold).toBeCloseTo(0.9, 12);
    expect(share(added)).toBeGreaterThan(threshold);
    expect(share(added - 1)).toBeLessThanOrEqual(threshold);
  });

  it("keeps outputs on known inputs, and projects twice as once", () => {
    const update = matrixOf(table(3, 4, 31));
    const projected = projectedUpdate(first.basis, update);
    const again = projectedUpdate(first.basis, projected);
    for (const [j, x] of projected.values.entries()) expect(again.values[j]).toBeCloseTo(x, 12);
    for (let k = 0; k < first.basis.rank; k++) {
      const known = Array.from({ length: 4 }, (_, i) => first.basis.vectors[i * first.basis.rank + k]!);
      for (const row of [0, 1, 2]) {
        expect(known.reduce((sum, x, j) => sum + x * projected.values[row * 4 + j]!, 0)).toBeCloseTo(0, 12);
      }
    }
  });

  it("is FedAvg without a basis", () => {
    const update = matrixOf(table(3, 4, 31));
    expect(projectedUpdate(emptyBasis(4), update)).toEqual(update);
  });

  it("adds nothing of inputs that it knows, or where little is new", () => {
    const known = matrixOf([0, 1, 2, 3].map((i) => [first.basis.vectors[i * first.basis.rank]!]));
    const sketch = sketchInputs(first.basis, known, matrixOf([[1, 2, 3]]));
    expect(sketch.ratio).toBeCloseTo(0, 7);
    expect(extendBasis(first.basis, [sketch], 0.9).basis).toEqual(first.basis);
    expect(extendBasis(emptyBasis(4), [sketchInputs(emptyBasis(4), inputs, directions)], -0.5).added).toBe(0);
  });

  it("never has more directions than inputs", () => {
    let basis = emptyBasis(4);
    for (const seed of [1, 2, 3]) {
      basis = extendBasis(basis, [sketchInputs(basis, matrixOf(table(4, 6, seed)), directions)], 0.999).basis;
    }
    expect(basis.rank).toBeLessThanOrEqual(4);
    const projector = projectorOf(basis);
    expect(projector[0]! + projector[5]! + projector[10]! + projector[15]!).toBeCloseTo(basis.rank, 9);
    expect(newInputs(basis, inputs).values.length).toBe(24);
  });
});
