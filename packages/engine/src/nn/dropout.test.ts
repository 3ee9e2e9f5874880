import { describe, expect, it } from "vitest";
import { evaluateGraph } from "../executor/interpreter.ts";
import { input } from "../graph/sources.ts";
import { trace } from "../graph/trace.ts";
import { checkExecutor, checkGradients, host, sample } from "../testing/check.ts";
import { dropout, unpackMask } from "./dropout.ts";

describe("unpackMask", () => {
  it("reads bit i of byte j as element 8 j + i and leaves padding out", () => {
    const graph = trace(({ bits }) => unpackMask(bits, [3, 3], 0.5), { bits: { dtype: "uint8", shape: ["N", 2] } });
    // 0b10000101 and 0b1: elements 0, 2, 7 and 8; then 0b11111110: bits 1 to 7 of which only elements 0 to 8 count
    const [mask] = evaluateGraph(graph, [host("uint8", [2, 2], [0b10000101, 1, 0b11111110, 0b11111110])]);
    expect(mask!.shape).toEqual([2, 3, 3]);
    expect(Array.from(mask!.data)).toEqual([2, 0, 2, 0, 0, 0, 0, 2, 2, 0, 2, 2, 2, 2, 2, 2, 2, 0]);
  });
});

describe("dropout", () => {
  const layer = dropout("drop", [2, 5], 0.25);
  const bits = host("uint8", [3, 2], [0b10110101, 2, 0, 3, 255, 1]);

  it("has right derivatives and runs on the executor with a symbolic batch", async () => {
    const inputs = { x: sample([3, 2, 5]), bits };
    checkGradients("dropout", (i) => layer.apply({}, i["x"]!, { masks: { drop: i["bits"]! } }), inputs);
    const shapes = { x: ["N", 2, 5], bits: ["N", 2] };
    await checkExecutor("dropout", (i) => layer.apply({}, i["x"]!, { masks: { drop: i["bits"]! } }), inputs, {
      shapes,
    });
  });

  it("is the identity in evaluation and at rate 0", () => {
    const x = input("x", { dtype: "float", shape: ["N", 2, 5] });
    expect(layer.apply({}, x)).toBe(x);
    expect(layer.apply({}, x, { masks: {} })).toBe(x);
    expect(dropout("none", [4], 0).masks).toEqual([]);
  });

  it("refuses a missing mask and an impossible rate", () => {
    const x = input("x", { dtype: "float", shape: ["N", 2, 5] });
    expect(() => layer.apply({}, x, { masks: { other: x } })).toThrow(/not for this dropout layer/);
    expect(() => dropout("all", [4], 1)).toThrow(/0 <= rate < 1/);
  });
});
