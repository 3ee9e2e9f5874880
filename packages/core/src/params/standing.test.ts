import { describe, expect, it } from "vitest";
import { layout } from "./layout.ts";
import { joinParameters, partOf, splitParameters } from "./standing.ts";

const spec = (name: string, role: "matrix" | "vector" | "head" | "normalization" = "matrix") => ({
  name,
  shape: [2],
  role,
  block: name.slice(0, name.lastIndexOf(".")),
});
const whole = layout([
  spec("a.weight"),
  spec("a.bias", "vector"),
  spec("b.norm.gamma", "normalization"),
  spec("b.dense.weight"),
  spec("out.weight", "head"),
  spec("out.bias", "head"),
]);
const names = (of: { entries: readonly { name: string }[] }) => of.entries.map(({ name }) => name);

describe("selectors of parameters", () => {
  it.each([
    ["a role", ["head"], ["out.bias", "out.weight"]],
    ["norms", ["normalization"], ["b.norm.gamma"]],
    ["biases, that of the head too", ["bias"], ["a.bias", "out.bias"]],
    ["a layer", ["a"], ["a.bias", "a.weight"]],
    ["a parameter", ["a.bias"], ["a.bias"]],
    ["a pattern", ["b.*"], ["b.dense.weight", "b.norm.gamma"]],
    ["a pattern with two stars", ["*.*s*"], ["a.bias", "b.dense.weight", "out.bias"]],
    ["all but some", ["*", "!a", "!head"], ["b.dense.weight", "b.norm.gamma"]],
    ["taken back and selected again", ["a", "!a", "a.bias"], ["a.bias"]],
  ])("are %s", (_what, personal, expected) => {
    expect(names(splitParameters(whole, { personal }).personal)).toEqual(expected);
  });

  it("give every parameter one standing", () => {
    const { shared, personal, frozen } = splitParameters(whole, { personal: ["head"], frozen: ["a"] });
    expect([...names(shared), ...names(personal), ...names(frozen)].sort()).toEqual(names(whole));
    expect([shared.size, personal.size, frozen.size]).toEqual([4, 4, 4]);
  });

  it.each([
    [{ personal: ["haed"] }, "parameters/unknown", "head"],
    [{ frozen: ["a.*", "!c"] }, "parameters/unknown", undefined],
    [{ personal: ["head"], frozen: ["out.bias"] }, "parameters/twice", "out.bias"],
    [{ personal: ["*"] }, "parameters/none-shared", "local-only"],
    [{ frozen: ["*"] }, "parameters/none-shared", "at least one"],
    [{ personal: ["head"], frozen: ["*", "!head"] }, "parameters/none-shared", "4 personal and 8 frozen"],
  ])("refuse %j", (selectors, code, told) => {
    const attempt = () => splitParameters(whole, selectors);
    expect(attempt).toThrow(expect.objectContaining({ code }));
    if (told === undefined) return;
    try {
      attempt();
    } catch (error) {
      expect(JSON.stringify((error as { failure: object }).failure)).toContain(told);
    }
  });

  it("take no long time for many stars", () => {
    const long = layout([{ name: "a".repeat(5000), shape: [1], role: "vector", block: "b" }]);
    expect(() => splitParameters(long, { personal: [`${"*a".repeat(50)}b`] })).toThrow();
  });
});

it("joins what it has divided, bit for bit", () => {
  const split = splitParameters(whole, { personal: ["head"], frozen: ["a.bias"] });
  const values = Float32Array.from({ length: whole.size }, (_, i) => Math.fround(Math.sin(i)));
  const [shared, personal, frozen] = [split.shared, split.personal, split.frozen].map((part) =>
    partOf(whole, values, part),
  ) as [Float32Array, Float32Array, Float32Array];
  const held = { split, personal, frozen };
  expect(joinParameters(held, shared)).toEqual(values);
  const own = joinParameters(
    held,
    shared,
    personal.map((value) => value + 1),
  );
  expect(partOf(whole, own, split.personal)).toEqual(personal.map((value) => value + 1));
  expect(partOf(whole, own, split.shared)).toEqual(shared);
});
