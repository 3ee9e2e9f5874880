import { describe, expect, it } from "vitest";
import { fold } from "./fold.ts";
import { type AggregatorTree, placeUpdates, planLeaves, treeMean } from "./tree-fold.ts";

const updates = [1, 2, 4, 8].map((value) => Float64Array.of(value, -value));

describe("treeMean", () => {
  it.each<[AggregatorTree, number]>([
    [[0, 1, 2, 3], 4],
    [[[0, 1], [[2], 3], []], 8],
  ])("is the mean of FedAvg for %j", (tree, messages) => {
    const flat = fold("weightedMean", 2);
    flat.addAll(updates, [1, 2, 3, 4]);
    const mean = treeMean(tree, updates, [1, 2, 3, 4]);
    expect(mean).toMatchObject({ weight: 10, messages });
    expect([...mean.aggregate]).toEqual([...flat.result(new Float64Array(2))]);
  });

  it("refuses updates that are not there or come twice, and an empty tree", () => {
    expect(() => treeMean([0, [4]], updates, [1, 1, 1, 1])).toThrow("does not exist");
    expect(() => treeMean([0, [0]], updates, [1, 1, 1, 1])).toThrow("already");
    expect(() => treeMean([], updates, [1, 1, 1, 1])).toThrow("nothing to take a mean of");
  });
});

describe("placement", () => {
  it("fills the tightest node first, and leaves out what fits nowhere", () => {
    const nodes = [
      { capacity: 3, arrivalRate: 0.5, aggregationTime: 2 },
      { capacity: 2, arrivalRate: 1, aggregationTime: 1 },
    ];
    expect(placeUpdates(nodes, 4)).toEqual({ placement: [1, 0, 0, null], residual: [0, 0] });
  });

  it("plans leaves by a smoothed queue", () => {
    expect(planLeaves([8, 7, 5, 6], 0.7, 2)).toEqual([3, 4, 3, 3]);
  });
});
