import { describe, expect, it } from "vitest";
import { HETEROGENEOUS } from "../conformance/heterogeneous.ts";
import type { Quadratics } from "../simulation/quadratics.ts";
import { traceFederation } from "../simulation/trace-federation.ts";
import { createAlgorithm } from "./registry.ts";

const everyone = Array.from({ length: 5 }, () => [0, 1, 2, 3]);
const problem: Quadratics = { ...HETEROGENEOUS, x0: [0.5, 0.25, -0.5], cohorts: everyone };
const inFragments = { ...problem, blocks: { coordinates: [[0], [1], [2]] } };
const trace = (name: string, options: object, on: Quadratics = problem) =>
  traceFederation(createAlgorithm(name, { ...options }), on);

function expectClose(ours: number[][], reference: number[][]): void {
  expect(ours.length).toBe(reference.length);
  for (const [r, row] of reference.entries())
    for (const [j, value] of row.entries()) expect(ours[r]![j]).toBeCloseTo(value, 12);
}

describe("streaming-diloco", () => {
  const outer = { serverLearningRate: 0.7, serverMomentum: 0.9 };
  const whole = { ...outer, fragments: 1, period: 1, mixing: 0 };

  it.each(["adamw", "sgd"])("in one fragment that replaces the client's is DiLoCo (%s)", async (optimizer) => {
    const ours = await trace("streaming-diloco", { ...whole, optimizer });
    expectClose(ours.rounds, (await trace("diloco", { ...outer, optimizer })).rounds);
  });

  it("moves a fragment in the rounds in which it is back, and no other", async () => {
    // offsets 0 and 1: coordinates 0 and 2 are sent in rounds 2 and 4, coordinate 1 in rounds 1, 3 and 5; back one later
    const options = { ...outer, optimizer: "sgd", fragments: 2, period: 2, delay: 1 };
    const { rounds } = await trace("streaming-diloco", options, inFragments);
    const moved = rounds.map((x, r) => x.map((value, j) => value !== (rounds[r - 1] ?? problem.x0)[j]));
    expect(moved).toEqual([
      [false, false, false],
      [false, true, false],
      [true, false, true],
      [false, true, false],
      [true, false, true],
    ]);
  });

  it("leaves clients their own fragments with a mixing of 1: each ends at its minimum", async () => {
    const long = { ...problem, localSteps: 200, cohorts: everyone.slice(0, 2) };
    const { clients } = await trace("streaming-diloco", { ...whole, optimizer: "sgd", mixing: 1 }, long);
    const own = [...clients.at(-1)!].sort(([a], [b]) => a - b).map(([, kept]) => Array.from(kept["parameters"]!));
    for (const [i, x] of own.entries()) for (const [j, v] of x.entries()) expect(v).toBeCloseTo(problem.b[i]![j]!, 4);
  });
});

describe("flasc", () => {
  const both = (up: number, down: number): Partial<Quadratics> => ({
    compression: {
      ...{ up: [{ name: "top-k", density: up }], vectors: ["delta"], scope: "model", feedback: "none" },
      ...{ momentum: 0, nesterov: false, masking: true },
    },
    down: { operators: [{ name: "top-k", density: down }], scope: "model", feedback: "none", vectors: ["parameters"] },
  });

  it("is FedAvg where everything travels and the server takes plain steps", async () => {
    const options = { serverOptimizer: "sgd", serverLearningRate: 1 };
    const ours = await trace("flasc", options, { ...problem, ...both(1, 1) });
    expectClose(ours.rounds, (await trace("fedavg", {})).rounds);
  });

  it("keeps entries at the server that do not go down, and trains them from 0", async () => {
    // one client, one step of 0.1 from (0.5, 0): g = (-0.5, -2), and the change of 0.2 alone comes up
    const one = { a: [[1, 2]], b: [[1, 1]], x0: [0.5, 0.25], localSteps: 1, cohorts: [[0]] };
    const options = { serverOptimizer: "sgd", serverLearningRate: 1 };
    const { rounds } = await trace("flasc", options, { ...problem, ...one, ...both(0.5, 0.5) });
    expectClose(rounds, [[0.5, 0.45]]);
  });

  it("steps by its learning rate along every sign in its first AdamW round", async () => {
    const options = { serverLearningRate: 0.05 };
    const { rounds } = await trace("flasc", options, { ...problem, ...both(1, 1), cohorts: [everyone[0]!] });
    for (const [j, value] of rounds[0]!.entries()) expect(Math.abs(value - problem.x0[j]!)).toBeCloseTo(0.05, 6);
  });
});

describe("sketching", () => {
  it("is FedAvg where what comes up is whole, and a bound above all gradients clips none", async () => {
    const averaged = (await trace("fedavg", { serverLearningRate: 0.5 })).rounds;
    for (const clipNorm of [0, 1e6])
      expectClose((await trace("sketching", { serverLearningRate: 0.5, clipNorm })).rounds, averaged);
  });

  it("moves by eta C a step at most", async () => {
    const one = { ...problem, localSteps: 1, cohorts: [[0]] };
    const [x] = (await trace("sketching", { serverLearningRate: 1, clipNorm: 0.3 }, one)).rounds;
    expect(Math.hypot(...x!.map((value, j) => value - problem.x0[j]!))).toBeCloseTo(0.1 * 0.3, 12);
  });

  it("adds noise of the deviation to every gradient", async () => {
    const d = 4000;
    const still = { a: [Array(d).fill(1)], b: [Array(d).fill(0)], x0: Array(d).fill(0), localSteps: 1, cohorts: [[0]] };
    const options = { serverLearningRate: 1, gradientNoise: 2 };
    const [x] = (await trace("sketching", options, { ...problem, ...still })).rounds;
    const deviation = Math.hypot(...x!) / Math.sqrt(d);
    // 0.1 * 2, give or take four standard errors
    expect(Math.abs(deviation - 0.2)).toBeLessThan((4 * 0.2) / Math.sqrt(2 * d));
  });
});
