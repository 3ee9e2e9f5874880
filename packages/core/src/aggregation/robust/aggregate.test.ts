import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Vector } from "../../params/vector.ts";
import { aggregate, aggregationPasses } from "./aggregate.ts";
import { selfCentredClipping } from "./centred-clipping.ts";
import { BLOCK, runFromChunks } from "./passes.ts";
import type { RobustRule } from "./rule.ts";

/** Six updates that agree and one that does not. */
const seven = [
  [1, 2],
  [2, 1],
  [1.5, 1.5],
  [2, 2],
  [1, 1],
  [1.2, 1.8],
  [10, -10],
].map((values) => Float64Array.from(values));

/** Every rule with room for two Byzantine updates among eleven. */
const rules: readonly RobustRule[] = [
  { name: "mean" },
  { name: "norm-bound", norm: 1 },
  { name: "median" },
  { name: "trimmed-mean", byzantine: 2 },
  { name: "trimmed-mean", ratio: 0.2 },
  { name: "meamed", byzantine: 2 },
  { name: "phocas", byzantine: 2 },
  { name: "krum", byzantine: 2 },
  { name: "multi-krum", byzantine: 2 },
  { name: "multi-krum", byzantine: 2, mode: "iterative" },
  { name: "geometric-median", iterations: 3, smoothing: 1e-6 },
  { name: "bulyan", byzantine: 2 },
  { name: "centred-clipping", radius: 1, iterations: 2 },
  { name: "minimum-diameter", byzantine: 2 },
  { name: "fltrust" },
  { name: "trimmed-mean", byzantine: 2, before: [{ name: "nnm", byzantine: 2 }] },
  { name: "median", before: [{ name: "bucketing", size: 2 }] },
  { name: "mean", before: [{ name: "adaptive-clipping", byzantine: 2 }] },
];

/** Eleven updates without ties, by a linear congruence. */
function cohort(seed: number): number[][] {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 30 - 2;
  };
  return Array.from({ length: 11 }, () => [next(), next(), next()]);
}

const named = rules.map((rule) => [[...(rule.before ?? []), rule].map(({ name }) => name).join(" + "), rule] as const);

function closeTo(got: ArrayLike<number>, expected: ArrayLike<number>): void {
  for (let i = 0; i < expected.length; i++) {
    expect(Math.abs(got[i]! - expected[i]!)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(expected[i]!)));
  }
}

describe("aggregate, by hand", () => {
  it("ends the geometric median at an update where nothing is smoothed", () => {
    const equal = [1, 2, 3].map(() => Float64Array.of(2, -1));
    const rule: RobustRule = { name: "geometric-median", iterations: 3, smoothing: 0 };
    expect(Array.from(aggregate(rule, equal).aggregate)).toEqual([2, -1]);
  });

  it("trims, takes medians and follows Krum's scores", () => {
    closeTo(aggregate({ name: "trimmed-mean", byzantine: 1 }, seven).aggregate, [1.54, 1.46]);
    closeTo(aggregate({ name: "median" }, seven.slice(0, 6)).aggregate, [1.35, 1.65]);
    const { scores, selected } = aggregate({ name: "krum", byzantine: 1 }, seven);
    closeTo(scores!, [2.58, 3.78, 1.68, 3.18, 3.18, 1.62, 799.5]);
    expect(selected).toEqual([5]);
  });

  it("mixes neighbours as ByzFL documents it", () => {
    const rows = [1, 4, 7].map((first) => Float64Array.of(first, first + 1, first + 2));
    const rule: RobustRule = { name: "median", before: [{ name: "nnm", byzantine: 1 }] };
    closeTo(aggregate(rule, rows).aggregate, [2.5, 3.5, 4.5]);
  });

  it("clips around a node's own vector", () => {
    closeTo(selfCentredClipping(Float64Array.of(0, 0), [Float64Array.of(3, 4)], [0.5], 1), [0.3, 0.4]);
  });

  it("drops what is not finite and expects as many attackers fewer", () => {
    const broken = [...seven.slice(0, 5), Float64Array.of(Number.NaN, 0), Float64Array.of(0, Number.NEGATIVE_INFINITY)];
    const got = aggregate({ name: "trimmed-mean", byzantine: 3 }, broken);
    expect(got.dropped).toEqual([5, 6]);
    expect(got.aggregate).toEqual(aggregate({ name: "trimmed-mean", byzantine: 1 }, broken.slice(0, 5)).aggregate);
    const krum = aggregate({ name: "krum", byzantine: 2 }, [Float64Array.of(Number.NaN, 0), ...seven]);
    expect(krum.selected).toEqual([6]);
  });

  it("takes the first subset of the least diameter", () => {
    const line = [0, 9, 1, 9, 2].map((x) => Float64Array.of(x));
    expect(aggregate({ name: "minimum-diameter", byzantine: 2 }, line).selected).toEqual([0, 2, 4]);
    const pairs = [0, 1, 5, 6].map((x) => Float64Array.of(x));
    expect(aggregate({ name: "minimum-diameter", byzantine: 1 }, pairs.slice(0, 3)).selected).toEqual([0, 1]);
  });
});

describe.each(named)("%s", (_, rule) => {
  const root = Float64Array.of(1, 2, 3);
  const inputs = rule.name === "fltrust" ? { root } : {};
  const of = (rows: readonly ArrayLike<number>[]) =>
    aggregate(
      rule,
      rows.map((row) => Float64Array.from(row)),
      inputs,
    ).aggregate;

  it("returns what all agree on, but for rules that bound it", () => {
    const bounded = rule.name === "norm-bound" || rule.name === "centred-clipping";
    const agreed = bounded ? [0.25, -0.5, 0.125] : [...root];
    closeTo(of(Array.from({ length: 11 }, () => agreed)), agreed);
  });

  it("does not depend on the order of the updates, but for ties and buckets", () => {
    // several subsets may share their farthest pair, and late choices of Bulyan have one neighbour
    if (rule.name === "bulyan" || rule.name === "minimum-diameter") return;
    if (rule.before?.some(({ name }) => name === "bucketing")) return;
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 10 }), (seed, shift) => {
        const rows = cohort(seed);
        closeTo(of([...rows.slice(shift), ...rows.slice(0, shift)]), of(rows));
      }),
      { numRuns: 20 },
    );
  });

  it("stays finite beside updates of 1e30", () => {
    const wild = [1e30, -1e30].map((x) => [x, -x, x]);
    const got = of([...Array.from({ length: 9 }, (_, i) => [i / 10, 1, -i / 10]), ...wild]);
    expect([...got].every(Number.isFinite)).toBe(true);
  });

  it("has the same bits from chunks as from memory", async () => {
    const size = 2 * BLOCK + 5;
    const rows = Array.from({ length: 11 }, (_, k) =>
      Float32Array.from({ length: size }, (_, i) => ((i * 7919 + k * 104729) % 1009) / 1009 - 0.5),
    );
    const given = rule.name === "fltrust" ? { root: rows[3]! } : {};
    const read = async (begin: number): Promise<Vector[]> => rows.map((row) => row.slice(begin, begin + BLOCK));
    const chunked = await runFromChunks(aggregationPasses(rule, 11, size, given), { size, chunk: BLOCK, read });
    expect(chunked).toEqual(aggregate(rule, rows, given));
  });
});

describe("blocks of many columns", () => {
  const of = (count: number, size: number) =>
    Array.from({ length: count }, (_, k) =>
      Float32Array.from({ length: size }, (_, i) => (((i + 1) * 7919 * (k + 3)) % 2003) / 2003 - 0.5),
    );

  it.each([1, 2, 3, 5, 8, 13, 50])("are sorted as plain code sorts them: %i rows", (count) => {
    const rows = of(count, 4099);
    const { aggregate: got } = aggregate({ name: "median" }, rows);
    for (const i of [0, 1, 63, 64, 4095, 4096, 4098]) {
      const column = rows.map((row) => row[i]!).sort((a, b) => a - b);
      expect(got[i]).toBe((column[(count - 1) >> 1]! + column[count >> 1]!) / 2);
    }
  });

  it("have the distances and mixtures of plain code", () => {
    const rows = of(13, 1001);
    const distance = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0);
    const { scores } = aggregate({ name: "krum", byzantine: 2 }, rows);
    const expected = rows.map((row) => {
      const others = rows.filter((other) => other !== row).map((other) => distance(row, other));
      return others
        .sort((a, b) => a - b)
        .slice(0, 9)
        .reduce((sum, value) => sum + value, 0);
    });
    closeTo(scores!, expected);
    const mixed = aggregate({ name: "mean", before: [{ name: "nnm", byzantine: 3 }] }, rows).aggregate;
    const neighbours = rows.map((row) => [...rows].sort((a, b) => distance(row, a) - distance(row, b)).slice(0, 10));
    const mean = Array.from({ length: 1001 }, (_, i) => neighbours.flat().reduce((sum, row) => sum + row[i]!, 0) / 130);
    closeTo(mixed, mean);
  });
});

describe("refusals", () => {
  it.each<[string, RobustRule]>([
    ["aggregation/too-few", { name: "trimmed-mean", byzantine: 4 }],
    ["aggregation/too-few", { name: "krum", byzantine: 3 }],
    ["aggregation/too-few", { name: "bulyan", byzantine: 2 }],
    ["aggregation/too-few", { name: "median", before: [{ name: "nnm", byzantine: 4 }] }],
    ["aggregation/option", { name: "trimmed-mean", ratio: 0.5 }],
    ["aggregation/option", { name: "krum", byzantine: 1, neighbours: 7 }],
    ["aggregation/option", { name: "multi-krum", byzantine: 1, average: 8 }],
    ["aggregation/root", { name: "fltrust" }],
    ["aggregation/permutation", { name: "mean", before: [{ name: "bucketing", size: 2, permutation: [0, 0] }] }],
  ])("%s: %o", (code, rule) => {
    const updates = rule.name === "trimmed-mean" && rule.ratio !== undefined ? seven.slice(0, 4) : seven;
    expect(() => aggregate(rule, updates)).toThrow(expect.objectContaining({ code }));
  });

  it("names the most attackers that the updates allow", () => {
    expect(() => aggregate({ name: "krum", byzantine: 3 }, seven)).toThrow("f = 2 at most");
  });

  it("refuses weights of rules that have none", () => {
    const weights = seven.map(() => 1);
    expect(() => aggregate({ name: "median" }, seven, { weights })).toThrow(
      expect.objectContaining({ code: "aggregation/weights" }),
    );
  });
});
