import { describe, expect, it } from "vitest";
import { createAlgorithm } from "../algorithms/registry.ts";
import type { Quadratics } from "./quadratics.ts";
import { traceFederation } from "./trace-federation.ts";

/** Client 0 owns rows 0 and 2, client 1 row 1. */
const problem: Quadratics = {
  a: [[1], [2], [1]],
  b: [[1], [5], [-3]],
  owners: [0, 1, 0],
  x0: [0],
  learningRate: 0.5,
  localSteps: 2,
  cohorts: [[0], [1], [0, 1]],
};
const trace = (changes: Partial<Quadratics> = {}) =>
  traceFederation(createAlgorithm("fedavg", {}), { ...problem, ...changes });

describe("rows of clients", () => {
  it("are taken one a step, each once in a pass", async () => {
    const { rounds } = await trace();
    // half-way to one row and then to the other one, in either order: 0 -> 0.5 -> -1.25 or 0 -> -1.5 -> -0.25
    expect([-1.25, -0.25]).toContainEqual(rounds[0]![0]);
    // client 1 has curvature 2 and is at its minimum after one step
    expect(rounds[1]).toEqual([5]);
    const orders = [
      (5 + 1) / 2 / 2 - 1.5, // 5 -> 3 -> 0
      (5 - 3) / 2 / 2 + 0.5, // 5 -> 1 -> 1
    ];
    expect(orders.map((x) => (x + 5) / 2)).toContainEqual(rounds[2]![0]);
  });

  it("are one per client where no owners are given", async () => {
    const { owners: _, ...single } = problem;
    const { rounds } = await traceFederation(createAlgorithm("fedavg", {}), { ...single, cohorts: [[2]] });
    expect(rounds[0]).toEqual([-1.5 - 0.75]);
  });

  it.each([
    ["a client without a row", { owners: [0, 2, 0] }, /owners/],
    ["a row without a client", { owners: [0, 1] }, /owners/],
    ["a client that is not there", { cohorts: [[2]] }, /client 2.*clients 0 to 1/s],
  ])("refuse %s", async (_what, changes, expected) => {
    await expect(trace(changes)).rejects.toThrow(expected);
  });
});
