import { describe, expect, it } from "vitest";
import { randomStream, rootKey } from "../random/index.ts";
import { complete, graphOf, range, ring, star } from "../topology/index.ts";
import { type DadaoEvent, dadao, matrixExponential, mixingConstants, optimisedProbabilities } from "./index.ts";

/** Two complete graphs of k nodes that one edge joins. */
function barbell(k: number) {
  const half = complete(k).edges;
  const other = half.map(([a, b]) => [a + k, b + k] as const);
  return graphOf(2 * k, [...half, ...other, [k - 1, k]]);
}

describe("constants of a graph", () => {
  it("are those of the ring", () => {
    expect(mixingConstants(ring(6))).toEqual({
      chi1: expect.closeTo(6, 9),
      chi2: expect.closeTo(2.5, 9),
      rate: expect.closeTo(Math.sqrt(30), 9),
    });
    expect(() => mixingConstants(graphOf(4, [[0, 1], [2, 3]]))).toThrow("separate groups"); // biome-ignore format: edges
  });

  it.each([
    ["barbell of 8 nodes", barbell(4), 0.9],
    ["barbell of 12 nodes", barbell(6), 0.9],
  ])("need fewer messages on a %s with probabilities of its edges", (_name, graph, share) => {
    const probabilities = optimisedProbabilities(graph);
    const { rate } = mixingConstants(graph, probabilities);
    expect(probabilities.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
    expect(rate).toBeLessThan(share * mixingConstants(graph).rate);
  });

  // a rotation of either graph takes each edge to any other one
  it.each([
    ["complete", complete(6)],
    ["star", star(6)],
    ["ring", ring(6)],
  ])("are best with equal probabilities on a %s graph", (_name, graph) => {
    for (const probability of optimisedProbabilities(graph)) expect(probability).toBeCloseTo(1 / graph.edges.length, 6);
  });
});

describe("the flow", () => {
  it("is the identity at once, and doubles by squaring", () => {
    const a = Float64Array.of(-0.3, 0.3, 1.5, -2);
    expect(Array.from(matrixExponential(a, 2, 0))).toEqual([1, 0, 0, 1]);
    const [half, whole] = [matrixExponential(a, 2, 3), matrixExponential(a, 2, 6)];
    for (const [i, j] of [[0, 0], [0, 1], [1, 0], [1, 1]] as const) // biome-ignore format: places
      expect(half[2 * i]! * half[j]! + half[2 * i + 1]! * half[2 + j]!).toBeCloseTo(whole[2 * i + j]!, 9);
    expect(matrixExponential(Float64Array.of(-0.5), 1, 2)[0]).toBeCloseTo(Math.exp(-1), 14);
  });
});

describe("DADAO", () => {
  it("finds the minimum of the sum by gradients and messages at random times", () => {
    const graph = ring(6);
    const mixing = mixingConstants(graph);
    const a = range(6).map((i) => [1 + (i * 4) / 5, 5 - (i * 4) / 5]);
    const b = range(6).map((i) => [i - 2.5, (i * i) / 5]);
    const minimum = [0, 1].map((j) => {
      return (
        range(6).reduce((sum, i) => sum + a[i]![j]! * b[i]![j]!, 0) / range(6).reduce((sum, i) => sum + a[i]![j]!, 0)
      );
    });
    const stream = randomStream(rootKey(5));
    const uniform = () => (stream.uint32() + 1) / 2 ** 32;
    const total = 6 + mixing.rate;
    const events: DadaoEvent[] = [];
    for (let time = 0; time < 300; ) {
      time -= Math.log(uniform()) / total;
      const isGradient = uniform() * total < 6;
      events.push({ time, at: isGradient ? { node: stream.below(6) } : { edge: graph.edges[stream.below(6)]! } });
    }
    const gradient = (i: number, x: Float64Array) => x.map((value, j) => a[i]![j]! * (value - b[i]![j]!));
    const rounds = dadao(
      { smoothness: 5, strongConvexity: 1, mixing },
      gradient,
      range(6).map(() => [3, -3]),
      events,
    );
    for (const x of rounds.at(-1)!) for (const [j, value] of x.entries()) expect(value).toBeCloseTo(minimum[j]!, 3);
  });
});
