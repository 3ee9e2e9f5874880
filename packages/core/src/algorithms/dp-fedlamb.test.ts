import { describe, expect, it } from "vitest";
import { layout, norm2 } from "../params/index.ts";
import type { Algorithm, ServerState } from "./algorithm.ts";
import { dpFedlamb } from "./dp-fedlamb.ts";
import { fedadam } from "./fedopt.ts";

/** Two layers: a [2] and b [3]. */
const layers = layout([
  { name: "a", shape: [2], role: "vector", block: "a" },
  { name: "b", shape: [3], role: "vector", block: "b" },
]);
const start = Float64Array.of(3, -4, 0.1, 0.2, -0.2);
const changes = [
  [0.5, 0.1, -0.3, 0.2, 0.7],
  [-0.2, 0.4, 0.6, -0.1, 0.3],
  [0.1, 0.1, 0.2, -0.9, -0.4],
];
const context = { cohortSize: 2, population: 4, learningRate: 0.1, localSteps: 1, weightedSteps: 1, layout: layers };

/** Parameters after each change; changes of layer a are multiplied by `scaleOfA`. */
function trace(algorithm: Algorithm, scaleOfA = 1, parameters = start): Float64Array[] {
  let state: ServerState = algorithm.init(parameters, layers);
  return changes.map((change, i) => {
    const delta = Float64Array.from(change, (d, j) => (j < 2 ? d * scaleOfA : d));
    state = algorithm.update(state, { delta }, { ...context, round: i + 1 });
    return state.vectors.parameters as Float64Array;
  });
}

describe("DP-FedLAMB", () => {
  it("follows its rule for one step", () => {
    // by hand: after one step the corrected moments are -D and D^2, so r = -sign(D) but for tau
    const [after] = trace(dpFedlamb({ serverLearningRate: 0.1, adaptivity: 1e-12 }));
    const [a, b] = [5 / Math.sqrt(2), 0.3 / Math.sqrt(3)];
    const expected = [3 + 0.1 * a, -4 + 0.1 * a, 0.1 - 0.1 * b, 0.2 + 0.1 * b, -0.2 + 0.1 * b];
    expected.forEach((x, j) => {
      expect(after![j]).toBeCloseTo(x, 10);
    });
  });

  it("is FedAdam where layers have no length of their own", () => {
    const shared = { serverLearningRate: 0.03, serverBeta1: 0.8, serverBeta2: 0.95, adaptivity: 0.01 };
    const ours = trace(dpFedlamb({ ...shared, trustRatio: false, biasCorrection: false }));
    const theirs = trace(fedadam({ ...shared, initialSecondMoment: 0 }));
    ours.forEach((x, round) => {
      x.forEach((value, j) => {
        expect(value).toBeCloseTo(theirs[round]![j]!, 14);
      });
    });
  });

  it("moves each layer by the same share of its length", () => {
    const eta = 0.02;
    let before: Float64Array = start;
    for (const after of trace(dpFedlamb({ serverLearningRate: eta }))) {
      for (const [from, to] of [
        [0, 2],
        [2, 5],
      ] as const) {
        const moved = after.subarray(from, to).map((x, j) => x - before[from + j]!);
        expect(norm2(moved)).toBeCloseTo(eta * norm2(before.subarray(from, to)), 12);
      }
      before = after;
    }
  });

  it("takes the same steps however the updates of a layer are scaled", () => {
    const algorithm = () => dpFedlamb({ serverLearningRate: 0.05, adaptivity: 1e-30 });
    const [plain, scaled] = [trace(algorithm()), trace(algorithm(), 1000)];
    plain.forEach((x, round) => {
      x.forEach((value, j) => {
        expect(scaled[round]![j]).toBeCloseTo(value, 12);
      });
    });
    // with a floor under the root the moments of a and so their mixture over rounds would differ, b never
    const floored = () => dpFedlamb({ serverLearningRate: 0.05, adaptivity: 1 });
    const [low, high] = [trace(floored()), trace(floored(), 1000)];
    expect(high[2]!.subarray(2)).toEqual(low[2]!.subarray(2));
    expect(high[2]!.subarray(0, 2)).not.toEqual(low[2]!.subarray(0, 2));
  });

  it("takes Adam's step in a layer that is all 0, and in one that did not change", () => {
    const still = Float64Array.of(3, -4, 0, 0, 0);
    const [after] = trace(dpFedlamb({ serverLearningRate: 0.1, adaptivity: 1e-12 }), 0, still);
    expect(after!.subarray(0, 2)).toEqual(still.subarray(0, 2));
    after!.subarray(2).forEach((x, j) => {
      expect(x).toBeCloseTo(0.1 * Math.sign(changes[0]![2 + j]!), 10);
    });
  });

  it("pulls weights towards 0 by the decay, inside the length", () => {
    // no updates: r = lambda x, so a layer shrinks by eta, whatever lambda
    const algorithm = dpFedlamb({ serverLearningRate: 0.1, serverWeightDecay: 0.3 });
    const state = algorithm.init(start, layers);
    const delta = new Float64Array(5);
    const next = algorithm.update(state, { delta }, { ...context, round: 1 }).vectors.parameters;
    next.forEach((x, j) => {
      expect(x).toBeCloseTo(0.9 * start[j]!, 12);
    });
  });
});
