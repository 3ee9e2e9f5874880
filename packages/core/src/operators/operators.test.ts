import { describe, expect, it } from "vitest";
import { deriveKey, randomStream, rootKey } from "../random/index.ts";
import { affineOperator, compressedDescent, type DeviceOperator, masha, mashaDraws } from "./index.ts";

const key = rootKey(5);

/** A strongly monotone bilinear game of two players with n numbers each, [[mu I, B_m], [-B_m^T, mu I]] on every device. */
function game(n: number, devices: number, mu = 0.1): { devices: DeviceOperator[]; solution: Float64Array } {
  const stream = randomStream(deriveKey(key, "game"));
  const noise = () => stream.float() * 2 - 1;
  const common = Array.from({ length: n }, () => Array.from({ length: n }, noise));
  const solution = Float64Array.from({ length: 2 * n }, noise);
  const pulls = Array.from({ length: devices }, () => Float64Array.from({ length: 2 * n }, noise));
  const made = Array.from({ length: devices }, (_, m) => {
    const b = common.map((row) => row.map((value) => value / Math.sqrt(n) + 0.1 * noise()));
    const matrix = Array.from({ length: 2 * n }, (_, i) =>
      Float64Array.from({ length: 2 * n }, (_, j) => {
        if (i < n) return j < n ? (i === j ? mu : 0) : b[i]![j - n]!;
        return j < n ? -b[j]![i - n]! : i === j ? mu : 0;
      }),
    );
    const at = affineOperator(matrix, new Float64Array(2 * n))(solution);
    return affineOperator(
      matrix,
      // each device has a solution of its own; the offsets between neighbours add up to nothing
      at.map((value, j) => pulls[m]![j]! - pulls[(m + 1) % devices]![j]! - value),
    );
  });
  return { devices: made, solution };
}

const distance = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.hypot(...Array.from(a, (value, i) => value - b[i]!));

/** <a_m, x>^2 + |x|^2 / 4 for three a_m, whose gradients deceive the largest entry. */
const deceiving = [
  [-3, 2, 2],
  [2, -3, 2],
  [2, 2, -3],
].map((a) =>
  affineOperator(
    a.map((ai, i) => a.map((aj, j) => 2 * ai * aj + (i === j ? 0.5 : 0))),
    [0, 0, 0],
  ),
);

describe("descent with the largest entry", () => {
  const start = Float64Array.of(1, 2, 3);
  const last = (feedback: "none" | "ef14" | "ef21" | "ef21+", steps: number) =>
    compressedDescent(deceiving, start, { feedback, k: 1, stepSize: 0.05, steps }).at(-1)!;

  it("diverges without feedback and converges with it", () => {
    expect(Math.hypot(...last("none", 300))).toBeGreaterThan(1e6);
    for (const feedback of ["ef14", "ef21", "ef21+"] as const) {
      expect(Math.hypot(...last(feedback, 2000)), feedback).toBeLessThan(1e-20);
    }
  });

  it("is descent itself where all entries are sent", () => {
    const plain = deceiving.reduce((sum, device) => sum.map((v, j) => v + device(start)[j]! / 3), new Float64Array(3));
    for (const feedback of ["none", "ef14", "ef21", "ef21+"] as const) {
      const [z] = compressedDescent(deceiving, start, { feedback, k: 3, stepSize: 0.05, steps: 1 });
      z!.forEach((value, j) => void expect(value).toBeCloseTo(start[j]! - 0.05 * plain[j]!, 12));
    }
  });
});

describe("MASHA", () => {
  it.each([1, 2] as const)("variant %s solves a game that compressed descent and ascent does not", (variant) => {
    const { devices, solution } = game(10, 4);
    const options = { variant, k: 4, stepSize: 0.1, steps: 4000 };
    const start = new Float64Array(20);
    const path = masha(devices, start, options, mashaDraws(key, 20, 4));
    expect(distance(path.at(-1)!.z, solution) / distance(start, solution)).toBeLessThan(1e-8);
    const naive = compressedDescent(devices, start, { feedback: "none", k: 4, stepSize: 0.1, steps: 500 });
    expect(distance(naive.at(-1)!, solution) / distance(start, solution)).toBeGreaterThan(0.05);
  });

  it.each([1, 2] as const)("variant %s with all entries is the extragradient step", (variant) => {
    const { devices } = game(3, 2);
    const start = Float64Array.of(1, -2, 0.5, 3, 0, 1);
    const mean = (z: Float64Array) => z.map((_, j) => devices.reduce((sum, f) => sum + f(z)[j]! / 2, 0));
    const path = masha(devices, start, { variant, k: 6, stepSize: 0.2, steps: 5 }, mashaDraws(key, 6, 6));
    let z = start;
    for (const step of path) {
      const ahead = z.map((value, j) => value - 0.2 * mean(z)[j]!);
      const change = mean(ahead);
      z = z.map((value, j) => value - 0.2 * change[j]!);
      expect(distance(step.z, z)).toBeLessThan(1e-12);
      expect(step.moved).toBe(true);
    }
  });

  it.each([1, 0.5])("solves a game on batches, where devices take part with probability %s", (participation) => {
    const { devices, solution } = game(10, 4);
    const stream = randomStream(deriveKey(key, "batches"));
    const drawn = Array.from({ length: 8 }, () =>
      Array.from({ length: 20 }, () => Float64Array.from({ length: 20 }, () => 0.3 * (stream.float() - 0.5))),
    );
    // the errors of the eight batches add up to nothing, and are as large at the solution as elsewhere
    const errors = drawn.map((plus, batch) => {
      const minus = drawn[(batch + 1) % 8]!;
      const matrix = plus.map((row, i) => row.map((value, j) => value - minus[i]![j]!));
      return affineOperator(matrix, new Float64Array(20).fill(1));
    });
    const noisy = devices.map(
      (device): DeviceOperator =>
        (z, draw) => {
          if (draw === undefined) return device(z);
          const error = errors[draw % 8]!(z);
          return device(z).map((value, j) => value + error[j]!);
        },
    );
    const start = new Float64Array(20);
    const options = { variant: 1, k: 4, stepSize: 0.04, steps: 4000, batches: true, participation } as const;
    const path = masha(noisy, start, options, mashaDraws(key, 20, 4, participation));
    expect(distance(path.at(-1)!.z, solution) / distance(start, solution)).toBeLessThan(1e-3);
  });

  it("waits for what all devices send on average, and refuses other shares", () => {
    const { devices } = game(3, 8);
    const draws = mashaDraws(key, 6, 6, 0.5);
    const first = (step: number) =>
      masha(
        devices,
        new Float64Array(6).fill(1),
        { variant: 1, k: 6, stepSize: 0.1, steps: 1, participation: 0.5 },
        { ...draws, joins: (_, device) => draws.joins(step, device) },
      )[0]!.z;
    const [whole] = masha(devices, new Float64Array(6).fill(1), { variant: 1, k: 6, stepSize: 0.1, steps: 1 }, draws);
    const mean = Array.from({ length: 6 }, (_, j) => {
      let sum = 0;
      for (let step = 0; step < 2000; step++) sum += first(step)[j]! / 2000;
      return sum;
    });
    expect(distance(mean, whole!.z)).toBeLessThan(0.01);
    for (const [variant, participation] of [
      [1, 0],
      [1, 1.5],
      [2, 0.5],
      [1, Number.NaN],
    ] as const) {
      const options = { variant, k: 6, stepSize: 0.1, steps: 1, participation };
      expect(() => masha(devices, new Float64Array(6), options, draws)).toThrow(/cannot take part/);
    }
  });

  it("draws the snapshot with probability k / d", () => {
    const draws = mashaDraws(key, 20, 4);
    const moves = Array.from({ length: 2000 }, (_, step) => draws.moves(step)).filter(Boolean).length;
    expect(Math.abs(moves / 2000 - 0.2)).toBeLessThan(3 * Math.sqrt((0.2 * 0.8) / 2000));
    expect(new Set(Array.from(draws.indices(3, 1))).size).toBe(4);
  });
});
