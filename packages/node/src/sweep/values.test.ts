import { applyOverrides } from "@anabranch/core";
import { describe, expect, it } from "vitest";
import { assignmentsOf, combinations, commandOf, describeValues } from "./values.ts";

describe("combinations", () => {
  it("are all of them, the first key slowest, in the order of the file", () => {
    expect(combinations({ b: [1, 2], a: ["x", "y"] })).toEqual([
      { b: 1, a: "x" },
      { b: 1, a: "y" },
      { b: 2, a: "x" },
      { b: 2, a: "y" },
    ]);
    expect(combinations({})).toEqual([{}]);
  });
});

describe("assignments", () => {
  it.each([
    ["fedbcgd+"],
    ["true"],
    ["0.1"],
    ["1979-05-27"],
    ["two words"],
    ['a "quoted" \\ text'],
    [" edges "],
    ["[1]"],
    [true],
    [0.05],
    [1e-7],
    [1e30],
    [3],
    [[32, 32]],
    [["a", "true"]],
  ])("set %j to the same value", (value) => {
    const [assignment] = assignmentsOf({ "part.key": value });
    expect(applyOverrides({}, [assignment!])).toEqual({ part: { key: value } });
  });

  it("take a key out where the text is empty", () => {
    expect(applyOverrides({ a: { b: 1, c: 2 } }, assignmentsOf({ "a.b": "" }))).toEqual({ a: { c: 2 } });
  });
});

it("a command quotes what a shell would change", () => {
  const assignments = assignmentsOf({ name: "it's", "model.hidden": [8, 8], "algorithm.name": "fedbcgd+" });
  expect(commandOf("my base.toml", assignments)).toBe(
    `anabranch run 'my base.toml' --set 'name=it'\\''s' --set 'model.hidden=[8, 8]' --set algorithm.name=fedbcgd+`,
  );
});

it("values are described by the last part of their keys where that is clear", () => {
  expect(describeValues({ "data.partition.alpha": 0.1, "training.learningRate": 0.05 })).toBe(
    "alpha 0.1, learningRate 0.05",
  );
  expect(describeValues({ "model.name": "mlp", "algorithm.name": "fedsam" })).toBe(
    "model.name mlp, algorithm.name fedsam",
  );
});
