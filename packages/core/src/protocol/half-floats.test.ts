import { describe, expect, it } from "vitest";
import { brainFloat, halfFloat } from "./half-floats.ts";
import { decodeSafetensors } from "./safetensors-read.ts";

describe("numbers of two bytes", () => {
  // Examples of IEEE 754-2008, binary16: largest normal, smallest normal and subnormal, a third.
  it.each([
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x0400, 2 ** -14],
    [0x0001, 2 ** -24],
    [0x03ff, 2 ** -14 - 2 ** -24],
    [0x3555, 0.333251953125],
    [0x8000, -0],
    [0x7c00, Number.POSITIVE_INFINITY],
    [0x7e00, Number.NaN],
  ])("F16 %i is %d", (bits, value) => expect(halfFloat(bits)).toBe(value));

  it("every F16 that is a number lies between its neighbours", () => {
    for (let bits = 1; bits < 0x7c00; bits++) expect(halfFloat(bits) > halfFloat(bits - 1)).toBe(true);
  });

  it.each([
    [0x3f80, 1],
    [0xc040, -3],
    [0x4049, 3.140625],
    [0x7f80, Number.POSITIVE_INFINITY],
    [0x0001, 2 ** -133],
  ])("BF16 %i is %d", (bits, value) => expect(brainFloat(bits)).toBe(value));
});

describe("safetensors with numbers of two bytes", () => {
  const json =
    '{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"BF16","shape":[1],"data_offsets":[4,6]}}';
  const header = new TextEncoder().encode(json);
  const bytes = Uint8Array.from([header.length, 0, 0, 0, 0, 0, 0, 0, ...header, 0x00, 0x3c, 0x00, 0xc0, 0x49, 0x40]);

  it("are read as float32 where the caller wants that", () => {
    const { tensors } = decodeSafetensors(bytes, "half.safetensors", { halfFloats: true });
    expect(tensors).toEqual({
      a: { shape: [2], data: Float32Array.of(1, -2) },
      b: { shape: [1], data: Float32Array.of(3.140625) },
    });
  });

  it("are refused elsewhere, such as in messages", () => {
    expect(() => decodeSafetensors(bytes, "message")).toThrow(
      expect.objectContaining({ code: "safetensors/dtype", message: expect.stringContaining('received "F16"') }),
    );
  });
});
