import { expect, it } from "vitest";
import { flippedLabel } from "./label-map.ts";

it("maps labels", () => {
  expect([0, 3, 9].map((label) => flippedLabel(label, 10, "mirror"))).toEqual([9, 6, 0]);
  expect([0, 3, 9].map((label) => flippedLabel(label, 10, "next"))).toEqual([1, 4, 0]);
  expect([1, 3, 7].map((label) => flippedLabel(label, 10, { from: 1, to: 7 }))).toEqual([7, 3, 7]);
});

it.each([
  [{ from: 10, to: 1 }, "attack.from", "The nearest class is 9."],
  [{ from: 1, to: -1 }, "attack.to", "The nearest class is 0."],
])("refuses %o, with the nearest class", (map, where, advice) => {
  expect(() => flippedLabel(1, 10, map)).toThrow(
    expect.objectContaining({ code: "attack/label", failure: expect.objectContaining({ where, advice }) }),
  );
});
