import { describe, expect, it } from "vitest";
import { fold } from "../aggregation/index.ts";
import { CoherenceMeter } from "./coherence.ts";

type Rule = ConstructorParameters<typeof CoherenceMeter>[0];

function coherence(rule: Rule, vectors: readonly (readonly number[])[], weights = vectors.map(() => 1)): number {
  const updates = vectors.map((vector) => Float64Array.from(vector));
  const running = fold(rule, updates[0]!.length);
  const meter = new CoherenceMeter(rule);
  for (const [i, update] of updates.entries()) {
    running.add(update, weights[i]!);
    meter.add([update], [weights[i]!]);
  }
  return meter.of(running.result(new Float64Array(updates[0]!.length)));
}

describe("coherence", () => {
  const updates = [
    [1, 2, -1],
    [3, 0.5, 2],
    [-2, 1, 1],
  ];

  it.each(["weightedMean", "uniformMean", "sum"] as const)("is what plain loops give under %s", (rule) => {
    const weights = [1, 5, 2];
    const used = rule === "weightedMean" ? weights : [1, 1, 1];
    const total = used.reduce((a, b) => a + b, 0);
    let squareOfMean = 0;
    for (let j = 0; j < 3; j++) {
      let sum = 0;
      for (let i = 0; i < 3; i++) sum += used[i]! * updates[i]![j]!;
      squareOfMean += (sum / total) ** 2;
    }
    let meanOfSquares = 0;
    for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) meanOfSquares += (used[i]! * updates[i]![j]! ** 2) / total;
    expect(coherence(rule, updates, weights)).toBeCloseTo(squareOfMean / meanOfSquares, 12);
  });

  it("takes updates with the factors that the fold gives them", () => {
    const [one, two] = [Float64Array.of(1, 2), Float64Array.of(2, -1)];
    const running = fold("weightedMean", 2);
    const meter = new CoherenceMeter("weightedMean");
    running.addAll([one, two], [1, 3], [0.5, 1]);
    meter.add([one, two], [1, 3], [0.5, 1]);
    // ((0.5, 1) + 3 (2, -1)) / 4 = (1.625, -0.5); ((0.25 + 1) + 3 (4 + 1)) / 4 = 4.0625
    expect(meter.of(running.result(new Float64Array(2)))).toBeCloseTo((1.625 ** 2 + 0.25) / 4.0625, 12);
  });

  it("is 1 for equal updates, 1 / S for orthogonal ones and 0 where they cancel", () => {
    expect(coherence("uniformMean", [updates[0]!, updates[0]!])).toBeCloseTo(1, 12);
    const orthogonal = [
      [2, 0, 0, 0],
      [0, 2, 0, 0],
      [0, 0, 2, 0],
      [0, 0, 0, 2],
    ];
    expect(coherence("uniformMean", orthogonal)).toBeCloseTo(1 / 4, 12);
    expect(
      coherence("sum", [
        [1, -1],
        [-1, 1],
      ]),
    ).toBe(0);
    expect(coherence("uniformMean", [[0, 0]])).toBe(0);
  });
});
