import { describe, expect, it } from "vitest";
import { classAccuracies } from "./class-accuracies.ts";
import { addSums } from "./evaluation-sums.ts";

describe("classAccuracies", () => {
  const sums = { examples: [10, 4, 4, 0], hits: [9, 3, 1, 0] };

  it("are of the worst class, and of no class without examples", () => {
    expect(classAccuracies(sums)).toEqual({ worst: 0.25 });
  });

  it("are means over the classes of a group, each class counting alike", () => {
    expect(classAccuracies(sums, ["head", "head", "middle", "tail"])).toEqual({
      worst: 0.25,
      head: 0.825,
      middle: 0.25,
    });
  });
});

describe("addSums", () => {
  const one = { loss: 1, score: 1, examples: 2, classes: { examples: [1, 1], hits: [1, 0] } };
  const none = { loss: 0, score: 0, examples: 0 };

  it("adds classes where they were counted", () => {
    expect(addSums([one, none, one])).toEqual({
      ...{ loss: 2, score: 2, examples: 4 },
      classes: { examples: [2, 2], hits: [2, 0] },
    });
    expect(addSums([none])).toEqual(none);
  });
});
