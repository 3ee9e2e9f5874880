import { expect, it } from "vitest";
import { layout } from "../params/layout.ts";
import { countKept } from "./kept-weights.ts";

const dense = (inputs: number) =>
  layout([{ name: "dense.weight", shape: [inputs, 4096], role: "head", block: "dense" }]);

it("counts kept weights as long as their places are exact floats", () => {
  expect(countKept(dense(4096), 0.5)).toBe(2 ** 23);
  expect(() => countKept(dense(4097), 0.5)).toThrow(/too large.*at most 16777216/s);
});
