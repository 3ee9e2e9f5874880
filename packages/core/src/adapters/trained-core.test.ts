import { describe, expect, it } from "vitest";
import { frobeniusDistance, matrixOf } from "./matrix.ts";
import { coreDelta, coreFromGradient, meanOfCores } from "./trained-core.ts";

describe("Fed-SB", () => {
  const gradient = matrixOf([
    [1, -2, 0.5],
    [0.1, 3, -1],
  ]);

  it("starts at the first step of Adam where the rank allows it", () => {
    const start = coreFromGradient(gradient, 0.01, 2);
    const step = matrixOf([
      [-0.01, 0.01, -0.01],
      [-0.01, -0.01, 0.01],
    ]);
    expect(frobeniusDistance(coreDelta(start), step)).toBeLessThan(1e-15);
    expect(coreFromGradient(gradient, 0.01, 9).core.rows).toBe(2);
  });

  it("averages exactly: the product of the mean core is the mean of the products", () => {
    const start = coreFromGradient(gradient, 0.01, 2);
    const cores = [
      matrixOf([
        [1, 2],
        [3, 4],
      ]),
      matrixOf([
        [-5, 0],
        [1, 2],
      ]),
    ];
    const mean = coreDelta({ ...start, core: meanOfCores(cores) });
    const parts = cores.map((core) => coreDelta({ ...start, core }).data);
    const expected = parts[0]!.map((value, i) => (value + parts[1]![i]!) / 2);
    expect(frobeniusDistance(mean, { ...mean, data: expected })).toBeLessThan(1e-14);
  });
});
