import { describe, expect, it } from "vitest";
import { parametersFrom } from "./from-tensors.ts";
import { layout } from "./layout.ts";

const model = layout([
  { name: "b", shape: [2], role: "vector", block: "l" },
  { name: "a", shape: [1, 2], role: "matrix", block: "l" },
]);
const a = { shape: [1, 2], data: Float64Array.of(1, 2) };
const b = { shape: [2], data: Float32Array.of(3, 4) };

describe("parametersFrom", () => {
  it("puts tensors of any number type in their places by name and leaves others aside", () => {
    const whole = { b, a, optimizer: { shape: [1], data: Float32Array.of(9) } };
    expect(parametersFrom(whole, model)).toEqual(Float32Array.of(1, 2, 3, 4));
    const integers = { a: { shape: [1, 2], data: BigInt64Array.of(5n, 6n) }, b };
    expect([...parametersFrom(integers, model)]).toEqual([5, 6, 3, 4]);
  });

  it.each([
    ["a missing tensor", { a }, "params/missing", /expected b/],
    ["another shape", { a: { ...a, shape: [2, 1] }, b }, "params/shape", /received \[2, 1\]/],
    ["NaN", { a, b: { ...b, data: Float32Array.of(1, Number.NaN) } }, "params/not-finite", /b, element 1/],
    ["what float32 cannot hold", { a: { ...a, data: [1e39, 0] }, b }, "params/not-finite", /a, element 0/],
  ])("refuses %s", (_what, tensors, code, message) => {
    expect(() => parametersFrom(tensors, model)).toThrow(expect.objectContaining({ code }));
    expect(() => parametersFrom(tensors, model)).toThrow(message);
  });
});
