import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { complete, graphOf, lambdaOf, mixingRows, range, ring, type SparseRow } from "../topology/index.ts";
import {
  activeRows,
  applyNodeRule,
  averageAll,
  clippedRows,
  consensusDistance,
  type Models,
  meanModel,
  mix,
  modelOf,
  modelsOf,
  momentsOf,
  type NodeRule,
  nearestRows,
  quantise,
  quantisedBytes,
  varianceCorrected,
} from "./index.ts";

const numbers = fc.double({ min: -10, max: 10, noNaN: true });
const models = (count: number, size: number) =>
  fc
    .array(fc.array(numbers, { minLength: size, maxLength: size }), { minLength: count, maxLength: count })
    .map((rows) => modelsOf(rows.map((row) => Float64Array.from(row))));
const rows = mixingRows(ring(6), "metropolis");
const everyone: readonly SparseRow[] = mixingRows(complete(6), "metropolis");
const listOf = (given: Models) => range(given.count).map((node) => Array.from(modelOf(given, node)));
const untrained = (given: Models) => ({ models: given, changes: { ...given, data: given.data.map(() => 0) } });
const apply = (rule: NodeRule, given: Models, over = rows) =>
  applyNodeRule(rule, untrained(given), over, [{ offset: 0, size: given.size }]);

describe("mixing", () => {
  it("keeps the mean and contracts disagreement by lambda, Q steps by its power", () => {
    const lambda = lambdaOf(rows);
    fc.assert(
      fc.property(models(6, 3), fc.integer({ min: 1, max: 4 }), (given, steps) => {
        const mixed = apply({ name: "mean", steps }, given);
        for (const [j, value] of meanModel(mixed).entries()) expect(value).toBeCloseTo(meanModel(given)[j]!, 9);
        expect(consensusDistance(mixed)).toBeLessThanOrEqual(lambda ** steps * consensusDistance(given) + 1e-9);
      }),
    );
  });

  it("is the mean of all on the complete graph", () => {
    fc.assert(
      fc.property(models(6, 2), (given) => {
        const mean = meanModel(given);
        for (const model of listOf(mix(given, everyone)))
          for (const [j, value] of model.entries()) expect(value).toBeCloseTo(mean[j]!, 9);
        expect(listOf(averageAll(given, range(6)))).toEqual(range(6).map(() => Array.from(mean)));
      }),
    );
  });

  it("gives the weight of absent nodes back to the node itself", () => {
    const active = activeRows(mixingRows(ring(4), "metropolis"), new Set([0, 1, 2]));
    expect(active[3]).toEqual({ nodes: [3], weights: [1] });
    expect(active[0]!.nodes).toEqual([0, 1]);
    expect(active[0]!.weights[0]).toBeCloseTo(2 / 3, 12);
    expect(activeRows(rows, new Set(range(6)))).toBe(rows);
  });

  it("averages only those who take part", () => {
    const given = modelsOf([1, 3, 100].map((value) => Float64Array.of(value)));
    expect(listOf(averageAll(given, [0, 1]))).toEqual([[2], [2], [100]]);
    expect(averageAll(given, [])).toBe(given);
  });
});

describe("rules for nodes that may be faulty", () => {
  const rules: readonly NodeRule[] = [
    { name: "mean", steps: 2 },
    { name: "clipped", radius: 0.5 },
    { name: "nearest", byzantine: 1 },
    { name: "variance-corrected" },
    { name: "quantised", step: 0.01, bits: 8 },
  ];

  it("change nothing where all agree", () => {
    const given = modelsOf(range(6).map(() => Float64Array.of(1, -2, 0.25)));
    for (const rule of rules) {
      const mixed = apply(rule, given);
      for (const model of listOf(mixed))
        for (const [j, value] of model.entries()) expect(value).toBeCloseTo([1, -2, 0.25][j]!, 12);
    }
  });

  it("clip a far neighbour to the radius", () => {
    const given = modelsOf([0, 1000].map((value) => Float64Array.of(value)));
    const pair = mixingRows(graphOf(2, [[0, 1]]), "metropolis");
    expect(modelOf(mix(given, clippedRows(given, pair, 2)), 0)[0]).toBeCloseTo(1, 9);
    // a radius beyond all distances is plain mixing
    expect(listOf(mix(given, clippedRows(given, pair, 1e6)))).toEqual(listOf(mix(given, pair)));
  });

  it("leave out the farthest, never themselves, and average the others", () => {
    const given = modelsOf([0, 1, 2, 50].map((value) => Float64Array.of(value)));
    const all = mixingRows(complete(4), "metropolis");
    const kept = nearestRows(given, all, 1).map(({ nodes }) => nodes);
    expect(kept).toEqual([
      [0, 1, 2],
      [0, 1, 2],
      [0, 1, 2],
      [1, 2, 3],
    ]);
    expect(modelOf(mix(given, nearestRows(given, all, 1)), 3)[0]).toBeCloseTo(53 / 3, 12);
    expect(nearestRows(given, all, 9)[3]).toEqual({ nodes: [3], weights: [1] });
  });

  it("bound what one node of any value does to the honest", () => {
    fc.assert(
      fc.property(fc.double({ min: -1e12, max: 1e12, noNaN: true }), (value) => {
        const given = modelsOf([0, 1, 0.5, 0.25, value].map((x) => Float64Array.of(x)));
        const all = mixingRows(complete(5), "metropolis");
        for (const [node] of listOf(mix(given, nearestRows(given, all, 1))).slice(0, 4)) {
          expect(node!).toBeGreaterThanOrEqual(-1);
          expect(node!).toBeLessThanOrEqual(2);
        }
      }),
    );
  });
});

describe("variance correction", () => {
  const normal = (seed: number, size: number) => {
    let state = seed;
    const next = () => {
      state = (state * 1103515245 + 12345) % 2147483648;
      return state / 2147483648;
    };
    return Float64Array.from({ length: size }, () => range(12).reduce((sum) => sum + next(), -6));
  };

  it("gives back the variance that averaging of different starts takes, and keeps the mean", () => {
    const count = 10;
    const given = modelsOf(range(count).map((node) => normal(node + 1, 4000)));
    const all = mixingRows(complete(count), "metropolis");
    const layers = [{ offset: 0, size: 4000 }];
    const before = momentsOf(modelOf(given, 0)).variance;
    const plain = momentsOf(modelOf(mix(given, all), 0));
    const corrected = momentsOf(modelOf(varianceCorrected(given, all, layers), 0));
    expect(plain.variance / before).toBeLessThan(0.15);
    expect(corrected.variance / before).toBeGreaterThan(0.9);
    expect(corrected.mean).toBeCloseTo(plain.mean, 9);
  });

  it("leaves a node alone that hears nobody, and layers without variance", () => {
    const given = modelsOf([Float64Array.of(1, 2, 5, 5), Float64Array.of(3, 5, 7, 7)]);
    const alone = [
      { nodes: [0], weights: [1] },
      { nodes: [0, 1], weights: [0.5, 0.5] },
    ];
    const layers = [
      { offset: 0, size: 2 },
      { offset: 2, size: 2 },
    ];
    const mixed = varianceCorrected(given, alone, layers);
    expect(Array.from(modelOf(mixed, 0))).toEqual([1, 2, 5, 5]);
    expect(Array.from(modelOf(mixed, 1)).slice(2)).toEqual([6, 6]);
  });
});

describe("quantised gossip", () => {
  it("rounds to the nearest multiple, halves upwards, within its bits", () => {
    const coarse = { step: 0.5, bits: 3 };
    expect([0.74, 0.75, -0.25, 9, -9].map((value) => quantise(value, coarse))).toEqual([0.5, 1, 0, 1.5, -2]);
  });

  it("counts packed integers", () => {
    expect(quantisedBytes(9, { step: 1, bits: 6 })).toBe(7 + 4);
  });
});

/**
 * What nearest-neighbour averaging promises of n >= 11 f nodes: with the spread S of the correct models before it, theirs is
 * at most alpha S afterwards, and the square of what their mean moves at most lambda S. The constants are those of the
 * paper as remembered, alpha = 9.88 f / (n - f) and lambda = 9 f / (n - f).
 */
describe("MoNNA's reduction", () => {
  const f = 1;
  const [n, size] = [11 * f, 2];
  const correct = n - f;
  const direction = fc.double({ min: 0, max: 2 * Math.PI, noNaN: true });
  // clusters, outliers and ties beside general positions
  const coordinate = fc.oneof(numbers, fc.constantFrom(-10, 0, 10));
  const given = fc.record({
    models: fc.array(fc.array(coordinate, { minLength: size, maxLength: size }), {
      minLength: correct,
      maxLength: correct,
    }),
    /** For each receiver: whom of the correct it does not hear, where the faulty model lies and how far away. */
    omitted: fc.array(fc.nat(correct - 2), { minLength: correct, maxLength: correct }),
    angles: fc.oneof(
      direction.map((angle) => range(correct).map(() => angle)),
      fc.array(direction, { minLength: correct, maxLength: correct }),
    ),
    nearness: fc.constantFrom(1, 0.999, 0.5, 100),
  });
  const spread = (models: readonly (readonly number[])[]) => {
    const mean = Array.from(meanModel(modelsOf(models.map((model) => Float64Array.from(model)))));
    const squares = models.map((model) => model.reduce((sum, value, j) => sum + (value - mean[j]!) ** 2, 0));
    return { mean, size: squares.reduce((a, b) => a + b) / models.length };
  };

  it("holds for every faulty node that sends each other one what it likes", () => {
    fc.assert(
      fc.property(given, ({ models: before, omitted, angles, nearness }) => {
        const all = before.map((model) => Float64Array.from(model));
        const rowsOf = before.map((own, i) => {
          const others = range(correct).filter((j) => j !== i);
          const heard = others.filter((_, place) => place !== omitted[i]);
          const distances = heard.map((j) => Math.hypot(...own.map((value, k) => before[j]![k]! - value)));
          // as far as it can be and still be among the nearest
          const far = nearness * distances.sort((p, q) => p - q)[heard.length - f - 1]!;
          all.push(Float64Array.of(own[0]! + far * Math.cos(angles[i]!), own[1]! + far * Math.sin(angles[i]!)));
          const nodes = [i, ...heard, all.length - 1];
          return { nodes, weights: nodes.map(() => 1) };
        });
        const everything = modelsOf(all);
        const alone = range(all.length - correct).map((k) => ({ nodes: [correct + k], weights: [1] }));
        const mixed = mix(everything, nearestRows(everything, [...rowsOf, ...alone], f));
        const after = range(correct).map((i) => Array.from(modelOf(mixed, i)));
        const [old, now] = [spread(before), spread(after)];
        const moved = now.mean.reduce((sum, value, j) => sum + (value - old.mean[j]!) ** 2, 0);
        expect(now.size).toBeLessThanOrEqual(((9.88 * f) / (n - f)) * old.size + 1e-9);
        expect(moved).toBeLessThanOrEqual(((9 * f) / (n - f)) * old.size + 1e-9);
      }),
      { numRuns: 500 },
    );
  });
});
