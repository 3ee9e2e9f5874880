import { describe, expect, it } from "vitest";
import { broadcastShapes, normalizeAxis, product, quotient, resolveDim, sameSize, staticDim } from "./shape.ts";

describe("symbolic dimensions", () => {
  it("multiply and divide by numbers", () => {
    expect(product(["N", 3, 4])).toBe("12*N");
    expect(product(["3*N", 2])).toBe("6*N");
    expect(product([])).toBe(1);
    expect(quotient("12*N", 4)).toBe("3*N");
    expect(quotient("12*N", "N")).toBe(12);
    expect(quotient("12*N", 5)).toBeUndefined();
    expect(quotient("N", "K")).toBeUndefined();
    expect(() => product(["N", "K"])).toThrow(/two symbolic dimensions/);
  });

  it("compare in number of elements", () => {
    expect(sameSize(["N", 6], ["3*N", 2])).toBe(true);
    expect(sameSize(["N", "K", 2], ["2*K", "N"])).toBe(true);
    expect(sameSize(["N", 6], ["K", 6])).toBe(false);
    expect(sameSize([2, 3], [5])).toBe(false);
  });

  it("take their values at run time", () => {
    expect(resolveDim("4*N", new Map([["N", 3]]))).toBe(12);
    expect(() => resolveDim("N", new Map())).toThrow(/no value in this run/);
    expect(() => staticDim("N", "pad")).toThrow(/must be static \(pad\)/);
  });
});

it("shapes broadcast as in NumPy", () => {
  expect(broadcastShapes([2, 1, 4], [3, 1])).toEqual([2, 3, 4]);
  expect(broadcastShapes([], ["N", 2])).toEqual(["N", 2]);
  expect(broadcastShapes(["N", 1], ["N", 5])).toEqual(["N", 5]);
  expect(broadcastShapes([1], ["N"])).toEqual(["N"]);
  expect(broadcastShapes(["N"], [4])).toBeUndefined();
  expect(broadcastShapes([2], [3])).toBeUndefined();
});

it("axes count from the front or the back", () => {
  expect(normalizeAxis(-1, 3)).toBe(2);
  expect(() => normalizeAxis(3, 3)).toThrow(/axis out of range/);
});
