import { describe, expect, it } from "vitest";
import { rootKey } from "../random/index.ts";
import { combinedLayer, peerWeights, prioritisedPeers, type ReceivedLayer } from "./bristle.ts";

const own = new Map([[0, 0.5]]);
const peer = (score: number, classes?: number): ReceivedLayer => {
  return { columns: [Float64Array.of(2), Float64Array.of(4)], scores: new Map([[0, score]]), classes };
};

describe("Bristle", () => {
  it.each([
    [0.5, 1],
    [0.7, 1.283],
    [0.9, 3.824],
    [0.4, 0.975],
    [0.3, 0.437],
  ])("weighs a peer with score %d on a class, against an own one of 0.5, by %d times its certainty", (score, weight) => {
    const { certainty, familiar } = peerWeights([0], own, peer(score));
    expect(certainty).toBeCloseTo(score, 12);
    expect(familiar[0]! / certainty).toBeCloseTo(weight, 3);
  });

  it("stays with the own layer without peers, and with one that knows nothing", () => {
    const columns = [Float64Array.of(1), Float64Array.of(3)];
    expect(combinedLayer(columns, [0], [], [])).toEqual(columns);
    const useless = peer(0);
    expect(combinedLayer(columns, [0], [useless], [peerWeights([0], own, useless)])).toEqual(columns);
  });

  it("looks at classes by their own numbers, and at no more than a peer announces", () => {
    const scores = new Map([
      [3, 0.9],
      [7, 0.2],
    ]);
    const weights = peerWeights([3, 7], scores, { columns: [], scores, classes: 1 });
    expect(weights.familiar).toEqual([expect.closeTo(0.9, 12), 0]);
    expect(weights.certainty).toBeCloseTo(0.9, 12);
  });

  it("draws fewer peers from far away", () => {
    const distances = Array.from({ length: 30 }, (_, i) => 29 - i);
    const taken = prioritisedPeers(distances, rootKey(1));
    const thirds = [0, 0, 0];
    for (const peerIndex of taken) thirds[Math.floor(distances[peerIndex]! / 10)]!++;
    expect(thirds).toEqual([4, 5, 2]);
    expect(prioritisedPeers(distances, rootKey(1))).toEqual(taken);
    expect(prioritisedPeers([1, 2], rootKey(1)).length).toBeLessThanOrEqual(2);
  });
});
