import { constant, evaluate, gradients } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import {
  calibrationLoss,
  centroidPosterior,
  centroidsByClass,
  globalCentroids,
  localCentroids,
  pseudoLabelLoss,
} from "./index.ts";

/** Numbers that look random and are the same everywhere. */
function numbers(rows: number, columns: number, seed: number): number[][] {
  let state = seed;
  const next = () => {
    state = (state * 48271) % 2147483647;
    return state / 1073741823.5 - 1;
  };
  return Array.from({ length: rows }, () => Array.from({ length: columns }, next));
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, j) => sum + x * b[j]!, 0);
const unit = (row: readonly number[]) => row.map((x) => x / Math.sqrt(dot(row, row)));
const matrix = (rows: readonly (readonly number[])[]) => constant(rows.flat(), [rows.length, rows[0]!.length]);
const close = (rows: readonly (readonly number[])[], digits = 9) =>
  rows.flat().map((x) => expect.closeTo(x, digits) as number);

/** Shares of points in groups by alternate scaling: every point gives 1 in all, every group takes as much as any other. */
function shares(scores: readonly (readonly number[])[]): number[][] {
  const table = scores.map((row) => row.map((score) => Math.exp(25 * score)));
  for (let pass = 0; pass < 10; pass++) {
    for (const [g] of table[0]!.entries()) {
      const taken = table.reduce((sum, row) => sum + row[g]!, 0);
      for (const row of table) row[g] = (row[g]! * table.length) / (table[0]!.length * taken);
    }
    for (const row of table) {
      const given = row.reduce((a, b) => a + b, 0);
      for (const [g, value] of row.entries()) row[g] = value / given;
    }
  }
  return table;
}

describe("centroids of a client", () => {
  function byHand(features: readonly (readonly number[])[], groups: number, smallest: number): number[][] {
    const points = features.map(unit);
    let centers = Array.from({ length: groups }, (_, g) => points[Math.floor((g * points.length) / groups)]!);
    let members: number[][][] = [];
    for (let round = 0; round < 5; round++) {
      const table = shares(points.map((point) => centers.map((center) => dot(point, center))));
      const chosen = table.map((row) => row.indexOf(Math.max(...row)));
      members = centers.map((_, g) => points.filter((_point, i) => chosen[i] === g));
      centers = centers.map((center, g) => {
        const own = members[g]!;
        return own.length === 0 ? center : unit(center.map((_x, j) => own.reduce((sum, point) => sum + point[j]!, 0)));
      });
    }
    return centers.map((center, g) => (members[g]!.length >= smallest ? center : center.map(() => 0)));
  }

  it.each([
    [12, 3, 1],
    [17, 5, 3],
    [9, 4, 2],
  ])("of %i examples in %i groups of at least %i are those of plain loops", (n, groups, smallest) => {
    const features = numbers(n, 3, 7 * n);
    const found = evaluate(localCentroids(matrix(features), { groups, smallest }));
    expect(found.shape).toEqual([groups, 3]);
    expect(Array.from(found.data)).toEqual(close(byHand(features, groups, smallest)));
  });

  it("leave out groups that are too small, and do not fail for examples without features", () => {
    const found = evaluate(localCentroids(constant([0, 0, 0, 0, 1, 0], [3, 2]), { groups: 4, smallest: 2 }));
    expect(Array.from(found.data).every(Number.isFinite)).toBe(true);
    const none = evaluate(localCentroids(matrix(numbers(6, 2, 3)), { groups: 3, smallest: 7 }));
    expect(none.data.every((x) => Math.abs(x) === 0)).toBe(true);
  });
});

describe("centroids of all clients", () => {
  const points = numbers(14, 3, 11).map(unit);
  const start = numbers(4, 3, 5).map(unit);
  const temperature = 0.3;

  function meanCosine(centers: readonly (readonly number[])[], wanted: readonly (readonly number[])[]): number {
    const cosines = points.map((point, i) => {
      const scores = centers.map((center) => Math.exp(dot(point, center) / temperature));
      return dot(scores, wanted[i]!) / Math.sqrt(dot(scores, scores) * dot(wanted[i]!, wanted[i]!));
    });
    return cosines.reduce((a, b) => a + b, 0) / points.length;
  }

  it("take a step up the mean cosine of outputs and balanced assignments", () => {
    const wanted = shares(points.map((point) => start.map((center) => dot(point, center))));
    const step = 1e-5;
    const moved = start.map((row, c) =>
      row.map((x, j) => {
        const at = (value: number) => {
          const other = start.map((center) => [...center]);
          other[c]![j] = value;
          return meanCosine(other, wanted);
        };
        return x + (0.2 * (at(x + step) - at(x - step))) / (2 * step);
      }),
    );
    const found = globalCentroids(points, start, { temperature, learningRate: 0.2, steps: 1 });
    expect(found.flat()).toEqual(close(moved.map(unit), 8));
  });

  it("find groups that lie apart", () => {
    const apart = [0, 1, 2].flatMap((axis) =>
      numbers(5, 3, 31 + axis).map((noise) => unit(noise.map((x, j) => 0.1 * x + (j === axis ? 1 : 0)))),
    );
    const found = globalCentroids(apart, [apart[0]!, apart[5]!, apart[10]!]);
    for (const [axis, center] of found.entries()) expect(center[axis]).toBeGreaterThan(0.95);
  });

  it("go to the nearest class, the nearest pair first, and the others in their order", () => {
    const [a, b, c, d] = [unit([1, 0.2]), unit([1, 0]), unit([0, 1]), unit([-1, 0])];
    // class 3 is nearest to b, so class 1, which b is nearest to as well, has to take a
    expect(centroidsByClass([d, a, b, c], [undefined, [1, 0.05], undefined, [2, 0]])).toEqual([d, a, c, b]);
    expect(centroidsByClass([c, d], [undefined, undefined])).toEqual([c, d]);
  });
});

describe("terms of centroids", () => {
  const posterior = [
    [0.7, 0.2, 0.1],
    [0.3, 0.3, 0.4],
    [0.05, 0.9, 0.05],
  ];
  const partners = constant([1, 2, 0], [3], "int32");

  it("compare posteriors with those of partners in another view, without padding", () => {
    const other = numbers(3, 3, 2).map((row) => {
      const positive = row.map((x) => Math.exp(x));
      const total = positive.reduce((a, b) => a + b, 0);
      return positive.map((x) => x / total);
    });
    const terms = [1, 2, 0].map((partner, i) => -dot(posterior[i]!, other[partner]!.map(Math.log)));
    const found = calibrationLoss(matrix(posterior), partners, {
      other: matrix(other),
      counts: constant([1, 1, 0], [3]),
    });
    expect(evaluate(found).data[0]).toBeCloseTo((terms[0]! + terms[1]!) / 2, 12);
  });

  it("label examples whose posterior is sure, and no others", () => {
    const logits = numbers(3, 3, 9);
    const loss = (rows: readonly number[], confidence: number) =>
      evaluate(pseudoLabelLoss(matrix(logits), constant([...rows], [3]), matrix(posterior), confidence)).data[0]!;
    const entropy = (row: number, label: number) => {
      const total = logits[row]!.reduce((sum, z) => sum + Math.exp(z), 0);
      return Math.log(total) - logits[row]![label]!;
    };
    expect(loss([1, 1, 1], 0.6)).toBeCloseTo((entropy(0, 0) + entropy(2, 1)) / 2, 12);
    expect(loss([0, 1, 1], 0.6)).toBeCloseTo(entropy(2, 1), 12);
    expect(loss([1, 1, 1], 0.95)).toBe(0);
  });

  it("have finite gradients for features of zeros", () => {
    const features = constant([0, 0, 1, 2], [2, 2]);
    const centroids = constant([1, 0, 0, 1], [2, 2]);
    const loss = calibrationLoss(centroidPosterior(features, centroids, 0.1), constant([1, 0], [2], "int32"));
    const { slope } = gradients(loss, { slope: features });
    expect(Array.from(evaluate(slope).data).every(Number.isFinite)).toBe(true);
  });
});
