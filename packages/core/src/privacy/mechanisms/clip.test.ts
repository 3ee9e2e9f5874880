import { describe, expect, it } from "vitest";
import { layout, norm2 } from "../../params/index.ts";
import { clipUpdate, jointNorm, layerBounds } from "./clip.ts";

const layers = layout([
  { name: "a", shape: [2], role: "vector", block: "a" },
  { name: "b", shape: [6], role: "vector", block: "b" },
]);
const update = (scaleOfA = 1) => ({
  delta: Float64Array.of(3 * scaleOfA, 4 * scaleOfA, 0, 0, 0.1, 0, 0, 0.2),
});
const clipped = (vector: Float64Array, bound: number, clipping: Parameters<typeof clipUpdate>[3]) => {
  const vectors = { delta: vector };
  const within = clipUpdate(vectors, { delta: layers }, bound, clipping);
  return { within, delta: vectors.delta };
};

describe("clipping of an update", () => {
  it("flat keeps the direction and what is within the bound", () => {
    const { delta, within } = clipped(update().delta, 1, "flat");
    expect(within).toBe(false);
    expect(norm2(delta)).toBeCloseTo(1, 12);
    const factor = 1 / norm2(update().delta);
    delta.forEach((x, i) => {
      expect(x).toBeCloseTo(update().delta[i]! * factor, 14);
    });
    expect(clipped(update().delta, 6, "flat")).toEqual({ within: true, delta: update().delta });
  });

  it.each([
    "flat",
    "per-layer",
    "per-layer-by-size",
  ] as const)("%s bounds the whole update, in float32 too", (clipping) => {
    for (const bound of [0.01, 1, 4]) {
      const single = { delta: Float32Array.from(update(1e4).delta) };
      clipUpdate(single, { delta: layers }, bound, clipping);
      expect(norm2(single.delta)).toBeLessThanOrEqual(bound * (1 + 1e-6));
    }
  });

  it("shares the bound out so that squares sum to C^2", () => {
    expect(layerBounds([2, 6], 1, "per-layer")).toEqual([Math.SQRT1_2, Math.SQRT1_2]);
    expect(layerBounds([2, 6], 1, "per-layer-by-size")).toEqual([0.5, Math.sqrt(0.75)]);
    expect(layerBounds([9], 0.3, "per-layer")).toEqual([0.3]); // one layer: flat
  });

  it("per layer leaves a layer as it is however large another one; flat does not", () => {
    const tail = (clipping: Parameters<typeof clipUpdate>[3], scale: number) =>
      Array.from(clipped(update(scale).delta, 1, clipping).delta.subarray(2));
    expect(tail("per-layer", 1000)).toEqual(tail("per-layer", 1));
    expect(tail("per-layer", 1000)).toEqual([0, 0, 0.1, 0, 0, 0.2]);
    expect(tail("flat", 1000)).not.toEqual(tail("flat", 1));
  });

  it("refuses what is not finite: a NaN is below every bound and above none", () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => jointNorm({ delta: Float64Array.of(1, bad) })).toThrow(
        expect.objectContaining({ code: "privacy/not-finite" }),
      );
    }
  });
});
