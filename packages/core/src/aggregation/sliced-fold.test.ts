import { describe, expect, it } from "vitest";
import { fold, slicedFold } from "./index.ts";

const places = [Int32Array.of(0, 1, 2, 3), Int32Array.of(3, 0), Int32Array.of(2)];

describe("sliced fold", () => {
  it("averages every coordinate by the weights of those who sent it", () => {
    const mean = slicedFold("weightedMean", 4, (part) => places[part]!);
    mean.addAll([Float64Array.of(8, 4), Float64Array.of(6)], [3, 1], undefined, [1, 2]);
    expect(Array.from(mean.result(new Float64Array(4)))).toEqual([4, 0, 6, 8]);
    mean.addAll([Float64Array.of(0, 5, 2, 0)], [1], undefined, [0]);
    expect(Array.from(mean.result(new Float64Array(4)))).toEqual([3, 5, 4, 6]);
  });

  it("multiplies updates and not their weights by factors", () => {
    const mean = slicedFold("uniformMean", 4, (part) => places[part]!);
    mean.addAll([Float64Array.of(8, 4), Float64Array.of(2, 0, 0, 0)], [7, 7], [0.5, 1], [1, 0]);
    expect(Array.from(mean.result(new Float64Array(4)))).toEqual([2, 0, 0, 2]);
  });

  it("gives the bits of a fold where all send all, and forgets", () => {
    const whole = fold("weightedMean", 4);
    const sliced = slicedFold("weightedMean", 4, () => places[0]!);
    sliced.addAll([Float32Array.of(9, 9, 9, 9)], [2], undefined, [0]);
    sliced.reset();
    const updates = Array.from({ length: 11 }, (_, k) =>
      Float32Array.from({ length: 4 }, (_, j) => Math.sin(k * 4 + j)),
    );
    const weights = updates.map((_, k) => 1 + k / 7);
    whole.addAll(updates, weights);
    sliced.addAll(
      updates,
      weights,
      undefined,
      updates.map(() => 0),
    );
    expect(sliced.result(new Float32Array(4))).toEqual(whole.result(new Float32Array(4)));
  });

  it("adds without dividing", () => {
    const sum = slicedFold("sum", 4, (part) => places[part]!);
    sum.addAll([Float64Array.of(8, 4), Float64Array.of(2, 1, 1, 1)], [3, 3], undefined, [1, 0]);
    expect(Array.from(sum.result(new Float64Array(4)))).toEqual([6, 1, 1, 9]);
  });
});
