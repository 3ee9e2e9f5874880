import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rootKey } from "../random/index.ts";
import {
  complete,
  components,
  denseMatrix,
  exponential,
  exponentialRows,
  graphOf,
  lambdaOf,
  linksOf,
  mixingOf,
  mixingRows,
  neighbours,
  onePeerExponential,
  path,
  randomPairs,
  randomRegular,
  ring,
  star,
  torus,
  tree,
  weightRules,
} from "./index.ts";

const key = rootKey(3);
const sums = (matrix: readonly (readonly number[])[]) => matrix.map((row) => row.reduce((a, b) => a + b, 0));
const columns = (matrix: readonly (readonly number[])[]) => matrix.map((_, j) => matrix.map((row) => row[j]!));

describe("graphs", () => {
  it("count an edge once, whichever way and however often it is given", () => {
    expect(
      graphOf(3, [
        [2, 1],
        [1, 2],
        [0, 0],
        [0, 1],
      ]).edges,
    ).toEqual([
      [0, 1],
      [1, 2],
    ]);
    expect(() => graphOf(3, [[0, 3]])).toThrow("an edge names a node");
  });

  it("have the edges of their names", () => {
    expect(ring(4).edges).toEqual([
      [0, 1],
      [0, 3],
      [1, 2],
      [2, 3],
    ]);
    expect(ring(2).edges).toEqual([[0, 1]]);
    expect(path(3).edges).toEqual([
      [0, 1],
      [1, 2],
    ]);
    expect(star(3).edges).toEqual([
      [0, 1],
      [0, 2],
    ]);
    expect(tree(5, 3).edges).toEqual([
      [0, 1],
      [0, 2],
      [0, 3],
      [1, 4],
    ]);
    expect(complete(5).edges).toHaveLength(10);
    // opposite sides of a grid with two rows are one edge
    expect(torus(2, 3).edges).toHaveLength(9);
    expect(torus(3, 3).edges).toHaveLength(18);
    expect(torus(1, 5).edges).toEqual(ring(5).edges);
  });

  it("draw regular graphs that are connected and depend on the key alone", () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 24 }), fc.integer({ min: 2, max: 23 }), fc.nat(), (n, degree, seed) => {
        fc.pre(degree < n && (n * degree) % 2 === 0);
        const graph = randomRegular(n, degree, rootKey(seed));
        expect(neighbours(graph).every((list) => list.length === degree)).toBe(true);
        expect(components(graph)).toHaveLength(1);
        expect(randomRegular(n, degree, rootKey(seed))).toEqual(graph);
      }),
      { numRuns: 40 },
    );
    expect(() => randomRegular(5, 3, key)).toThrow("no connected graph");
    expect(() => randomRegular(5, 1, key)).toThrow("no connected graph");
  });

  it("name their components", () => {
    expect(
      components(
        graphOf(5, [
          [0, 3],
          [1, 2],
        ]),
      ),
    ).toEqual([[0, 3], [1, 2], [4]]);
  });
});

describe("weights", () => {
  const graphs = [ring(7), path(6), star(5), complete(6), torus(3, 4), tree(9, 2), randomRegular(8, 3, key)];

  it("have rows that sum to 1, and columns too where the rule is symmetric", () => {
    for (const graph of graphs) {
      for (const rule of weightRules) {
        const matrix = denseMatrix(mixingRows(graph, rule));
        for (const sum of sums(matrix)) expect(sum).toBeCloseTo(1, 14);
        for (const row of matrix) for (const weight of row) expect(weight).toBeGreaterThanOrEqual(0);
        if (rule === "uniform" || rule === "equal") continue;
        expect(columns(matrix)).toEqual(matrix);
      }
    }
  });

  it("preserve the mean and contract the distance to it by lambda", () => {
    const values = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 12, maxLength: 12 });
    const rows = mixingRows(torus(3, 4), "metropolis");
    const lambda = lambdaOf(rows);
    const distance = (x: readonly number[]) => {
      const mean = x.reduce((a, b) => a + b, 0) / x.length;
      return { mean, norm: Math.hypot(...x.map((value) => value - mean)) };
    };
    fc.assert(
      fc.property(values, (x) => {
        const mixed = rows.map(({ nodes, weights }) => nodes.reduce((sum, j, k) => sum + weights[k]! * x[j]!, 0));
        const [before, after] = [distance(x), distance(mixed)];
        expect(after.mean).toBeCloseTo(before.mean, 9);
        expect(after.norm).toBeLessThanOrEqual(lambda * before.norm + 1e-9);
      }),
    );
  });
});

describe("lambda", () => {
  it("is that of the literature", () => {
    for (const [nodes, expected] of [
      [4, 0.3333],
      [8, 0.8047],
      [16, 0.9493],
      [32, 0.9872],
    ] as const)
      expect(lambdaOf(mixingRows(ring(nodes), "metropolis"))).toBeCloseTo(expected, 4);
    for (const [nodes, expected] of [
      [8, 0.5],
      [16, 0.6],
      [32, 2 / 3],
    ] as const)
      expect(lambdaOf(exponentialRows(nodes))).toBeCloseTo(expected, 10);
    expect(lambdaOf(mixingRows(complete(9), "metropolis"))).toBeLessThan(1e-12);
  });

  it("is the same by the spectral radius where a matrix is similar to a symmetric one", () => {
    // D^(1/2) W D^(-1/2) with D = 1 + deg is symmetric for uniform weights
    const graph = star(6);
    const root = neighbours(graph).map(({ length }) => Math.sqrt(1 + length));
    const dense = denseMatrix(mixingRows(graph, "uniform"));
    const similar = dense.map((row, i) => row.map((weight, j) => (weight * root[i]!) / root[j]!));
    const symmetric = similar.map((row, i) => row.map((_, j) => similar[Math.max(i, j)]![Math.min(i, j)]!));
    const rows = symmetric.map((weights) => ({ nodes: weights.map((_, j) => j), weights }));
    expect(lambdaOf(mixingRows(graph, "uniform"))).toBeCloseTo(lambdaOf(rows), 10);
  });

  it("is 1 where a graph is not connected", () => {
    expect(
      lambdaOf(
        mixingRows(
          graphOf(4, [
            [0, 1],
            [2, 3],
          ]),
          "metropolis",
        ),
      ),
    ).toBeCloseTo(1, 12);
  });
});

describe("topologies that change", () => {
  it("average exactly over one period of the one-peer exponential graph with 2^k nodes", () => {
    const topology = onePeerExponential(8);
    expect(topology.period).toBe(3);
    expect(mixingOf(topology).lambda).toBeLessThan(1e-5);
    expect(mixingOf(topology).links).toBe(8);
    expect(topology.rows(4)).toBe(topology.rows(1));
    expect(mixingOf(exponential(8))).toMatchObject({ links: 24 });
  });

  it("pair nodes up as often as they are asked to, each with at most one other", () => {
    const topology = randomPairs(16, 0.2, key);
    let links = 0;
    for (let round = 1; round <= 200; round++) {
      const rows = topology.rows(round);
      for (const [from, to] of linksOf(rows)) {
        expect(rows[from]!.nodes).toEqual(rows[to]!.nodes);
        links++;
      }
      expect(rows.every(({ nodes }) => nodes.length <= 2)).toBe(true);
      expect(topology.rows(round)).toEqual(rows);
    }
    // somewhat less than 2 * 0.2 of the nodes, as those with a partner ask nobody
    expect(links / (16 * 200)).toBeGreaterThan(0.25);
    expect(links / (16 * 200)).toBeLessThan(0.4);
    expect(linksOf(randomPairs(5, 0, key).rows(1))).toEqual([]);
  });

  it("leave a single node alone", () => {
    for (const topology of [exponential(1), onePeerExponential(1), randomPairs(1, 1, key)])
      expect(topology.rows(1)).toEqual([{ nodes: [0], weights: [1] }]);
  });
});
