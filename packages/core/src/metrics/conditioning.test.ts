import { describe, expect, it } from "vitest";
import { layout } from "../params/layout.ts";
import { conditionOfWeights, median } from "./conditioning.ts";

/** R diag(values) Q^T with rotations R and Q of the first two coordinates. */
function matrix(values: readonly number[], columns: number, angle: number, other: number): number[] {
  const rotation = (theta: number, size: number) =>
    Array.from({ length: size }, (_, i) =>
      Array.from({ length: size }, (_, j) => {
        if (i < 2 && j < 2) return i === j ? Math.cos(theta) : (i - j) * Math.sin(theta);
        return i === j ? 1 : 0;
      }),
    );
  const [left, right] = [rotation(angle, values.length), rotation(other, columns)];
  return left.flatMap((row) =>
    right.map((column) => values.reduce((sum, value, k) => sum + row[k]! * value * column[k]!, 0)),
  );
}

describe("the condition of weights", () => {
  const entry = (name: string, shape: readonly number[], role: "matrix" | "vector" | "embedding" | "convKernel") => ({
    ...{ name, shape, role, block: name },
  });

  it("is the median over matrices of the largest over the median singular value", () => {
    const model = layout([
      entry("a", [3, 4], "matrix"),
      entry("b", [3, 3], "matrix"),
      entry("bias", [3], "vector"),
      entry("kernel", [4, 2, 1, 3], "convKernel"),
      entry("words", [2, 2], "embedding"),
    ]);
    const parameters = Float64Array.from([
      ...matrix([6, 3, 1], 4, 0.3, 1.1), // 6 / 3
      ...matrix([2, 20, 0.5], 3, 0.7, 0.2), // 20 / 2
      ...[5, 5, 5],
      ...matrix([8, 4, 2, 1], 6, 0.4, 0.9), // 8 / ((4 + 2) / 2)
      ...[1, 0, 0, 1000],
    ]);
    expect(conditionOfWeights(parameters, model)).toBeCloseTo(8 / 3, 10);
  });

  it("is unknown without matrices, and infinite where half of the singular values are 0", () => {
    expect(conditionOfWeights(new Float64Array(3), layout([entry("bias", [3], "vector")]))).toBeNaN();
    const flat = layout([entry("a", [3, 3], "matrix")]);
    expect(conditionOfWeights(Float64Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0), flat)).toBe(Number.POSITIVE_INFINITY);
  });

  it("takes the middle", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([7])).toBe(7);
    expect(median([])).toBeNaN();
  });
});
