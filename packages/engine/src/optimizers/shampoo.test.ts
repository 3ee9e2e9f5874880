import { describe, expect, it } from "vitest";
import { onnxruntimeNode } from "../executor/onnxruntime-node.ts";
import type { HostTensor } from "../graph/types.ts";
import { product, transposed } from "../linalg/product.ts";
import { symmetricEigen } from "../linalg/symmetric-eigen.ts";
import { descend, host, sample } from "../testing/check.ts";
import { shampoo } from "./shampoo.ts";

type Matrix = number[][];

const close = (values: ArrayLike<number>, digits = 9) => Array.from(values, (v) => expect.closeTo(v, digits));
const rowsOf = (data: ArrayLike<number>, m: number, n: number): Matrix =>
  Array.from({ length: m }, (_, i) => Array.from({ length: n }, (_, j) => data[i * n + j]!));
const times = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, v, k) => sum + v * b[k]![j]!, 0)));
const turned = (a: Matrix): Matrix => a[0]!.map((_, j) => a.map((row) => row[j]!));
const plus = (a: Matrix, b: Matrix): Matrix => a.map((row, i) => row.map((v, j) => v + b[i]![j]!));
const scaledUnit = (n: number, value: number): Matrix =>
  Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => (i === j ? value : 0)));

/** A^power for a symmetric positive matrix. */
function power(a: Matrix, exponent: number): Matrix {
  const n = a.length;
  const { values, vectors } = symmetricEigen(a.flat(), n);
  const v = rowsOf(vectors, n, n);
  return times(
    v.map((row) => row.map((x, j) => x * values[j]! ** exponent)),
    turned(v),
  );
}

const step = (g: HostTensor, k: number) => {
  const size = g.shape.slice(1).reduce((a, b) => a * b, 1);
  return g.data.slice(k * size, (k + 1) * size);
};

describe("shampoo", () => {
  it.each([
    ["square", 4, 4],
    ["wide", 3, 5],
    ["tall", 6, 2],
  ])("first takes the polar factor of the gradient, as epsilon goes to 0: %s", async (_name, m, n) => {
    const g = sample([1, m, n], { seed: 3 });
    const { parameters } = await descend(
      shampoo({ epsilon: 1e-13 }),
      { w: host("float", [m, n], new Float64Array(m * n)) },
      { w: g },
      { learningRate: 1 },
    );
    const rows = rowsOf(g.data, m, n);
    const small = m <= n;
    const polar = small
      ? times(power(times(rows, turned(rows)), -0.5), rows)
      : times(rows, power(times(turned(rows), rows), -0.5));
    expect(Array.from(parameters["w"]!.data)).toEqual(
      close(
        polar.flat().map((v) => -v),
        6,
      ),
    );
  });

  it("is AdaGrad on the diagonal for diagonal gradients", async () => {
    const diagonals = [
      [1, -2, 0.5],
      [3, 0.25, -1],
      [-0.5, 1, 4],
    ];
    const data = diagonals.flatMap((d) => d.flatMap((v, i) => d.map((_, j) => (i === j ? v : 0))));
    const { parameters } = await descend(
      shampoo({ epsilon: 0.01, refreshEvery: 1 }),
      { w: host("float", [3, 3], new Float64Array(9)) },
      { w: host("float", [3, 3, 3], data) },
    );
    const w = [0, 0, 0];
    const squares = [0.01, 0.01, 0.01];
    for (const d of diagonals) {
      for (const [i, v] of d.entries()) {
        squares[i]! += v * v;
        w[i]! -= (0.1 * v) / Math.sqrt(squares[i]!);
      }
    }
    expect(Array.from(step(parameters["w"]!, 2))).toEqual(
      close(scaledUnit(3, 1).flatMap((row, i) => row.map((v) => v * w[i]!))),
    );
  });

  it.each([1, 3])("follows the paper's rule in plain numbers, roots renewed every %i steps", async (every) => {
    const [m, n, steps] = [4, 3, 7];
    const [w0, b0] = [sample([m, n]), sample([3], { seed: 2 })];
    const gradients = { w: sample([steps, m, n], { seed: 4 }), b: sample([steps, 3], { seed: 5 }) };
    const options = { epsilon: 0.01, refreshEvery: every, weightDecay: 0.3 };
    const { parameters, state } = await descend(shampoo(options), { w: w0, b: b0 }, gradients);
    let [w, b] = [rowsOf(w0.data, m, n), rowsOf(b0.data, 3, 1)];
    let [left, right, full] = [scaledUnit(m, 0.01), scaledUnit(n, 0.01), scaledUnit(3, 0.01)];
    let [leftRoot, rightRoot, fullRoot] = [left, right, full];
    for (let k = 0; k < steps; k++) {
      const [g, h] = [rowsOf(step(gradients.w, k), m, n), rowsOf(step(gradients.b, k), 3, 1)];
      left = plus(left, times(g, turned(g)));
      right = plus(right, times(turned(g), g));
      full = plus(full, times(h, turned(h)));
      if (k % every === 0)
        [leftRoot, rightRoot, fullRoot] = [power(left, -1 / 4), power(right, -1 / 4), power(full, -1 / 2)];
      const descent = (x: Matrix, u: Matrix) => x.map((row, i) => row.map((v, j) => v - 0.1 * (u[i]![j]! + 0.3 * v)));
      w = descent(w, times(times(leftRoot, g), rightRoot));
      b = descent(b, times(fullRoot, h));
      expect(Array.from(step(parameters["w"]!, k))).toEqual(close(w.flat()));
      expect(Array.from(step(parameters["b"]!, k))).toEqual(close(b.flat()));
    }
    expect(Array.from(state["preconditioner/w/0"]!.data)).toEqual(close(left.flat()));
    expect(Array.from(state["preconditioner/w/1"]!.data)).toEqual(close(right.flat()));
    expect(Array.from(state["preconditioner/b/0"]!.data)).toEqual(close(full.flat()));
  });

  it("gives three axes a factor each, to the power -1/6", async () => {
    const g = sample([1, 2, 3, 4], { seed: 6 });
    const options = { epsilon: 0.05 };
    const { parameters } = await descend(
      shampoo(options),
      { w: host("float", [2, 3, 4], new Float64Array(24)) },
      { w: g },
      { learningRate: 1 },
    );
    // each mode by its own loops
    const extents = [2, 3, 4];
    const strides = [12, 4, 1];
    let update = Array.from(g.data);
    for (const [axis, d] of extents.entries()) {
      const along = (i: number) => Math.floor(i / strides[axis]!) % d;
      const gram = scaledUnit(d, 0.05);
      for (let i = 0; i < 24; i++) {
        for (let a = 0; a < d; a++) gram[along(i)]![a]! += g.data[i]! * g.data[i + (a - along(i)) * strides[axis]!]!;
      }
      const root = power(gram, -1 / 6);
      const before = update;
      update = before.map((_, i) =>
        root[along(i)]!.reduce((sum, r, a) => sum + r * before[i + (a - along(i)) * strides[axis]!]!, 0),
      );
    }
    expect(Array.from(parameters["w"]!.data)).toEqual(close(update.map((v) => -v)));
  });

  it("keeps factors symmetric, positive and growing", async () => {
    const gradients = sample([4, 5, 2], { seed: 7 });
    let before: Float64Array = Float64Array.from(scaledUnit(5, 1e-4).flat());
    for (let k = 1; k <= 4; k++) {
      const some = host("float", [k, 5, 2], gradients.data.slice(0, k * 10));
      const { state } = await descend(shampoo(), { w: sample([5, 2]) }, { w: some });
      const factor = state["preconditioner/w/0"]!.data as Float64Array;
      expect(Array.from(transposed(factor, 5, 5))).toEqual(close(factor, 14));
      expect(symmetricEigen(factor, 5).values.at(-1)).toBeGreaterThan(9e-5);
      const growth = factor.map((v, i) => v - before[i]!);
      expect(symmetricEigen(growth, 5).values.at(-1)).toBeGreaterThan(-1e-14);
      before = factor;
    }
  });

  it("goes on with received factors", async () => {
    const gradients = sample([3, 2, 2], { seed: 8 });
    const part = (from: number, to: number) => ({
      w: host("float", [to - from, 2, 2], gradients.data.slice(from * 4, to * 4)),
    });
    const start = { w: sample([2, 2]) };
    const options = { epsilon: 0.1, refreshEvery: 1 };
    const whole = await descend(shampoo(options), start, part(0, 3));
    const first = await descend(shampoo(options), start, part(0, 1));
    const warm = Object.fromEntries(["w/0", "w/1"].map((name) => [name, first.state[`preconditioner/${name}`]!]));
    const middle = { w: host("float", [2, 2], first.parameters["w"]!.data) };
    const second = await descend(shampoo(options), middle, part(1, 3), { warm });
    expect(Array.from(step(second.parameters["w"]!, 1))).toEqual(close(step(whole.parameters["w"]!, 2), 12));
  });

  it("leaves long axes and long vectors as they are", async () => {
    const start = { b: sample([4]), w: sample([2, 3]) };
    const gradients = { b: sample([1, 4], { seed: 2 }), w: sample([1, 2, 3], { seed: 3 }) };
    const options = { epsilon: 0.1, maxSize: 2, maxVectorSize: 3 };
    const { parameters, state } = await descend(shampoo(options), start, gradients, { learningRate: 1 });
    expect(Object.keys(state)).toEqual(["preconditioner/w/0", "roots/w/0"]);
    expect(Array.from(parameters["b"]!.data)).toEqual(close(start.b.data.map((v, i) => v - gradients.b.data[i]!)));
    const g = rowsOf(gradients.w.data, 2, 3);
    const update = times(power(plus(scaledUnit(2, 0.1), times(g, turned(g))), -1 / 2), g).flat();
    expect(Array.from(parameters["w"]!.data)).toEqual(close(start.w.data.map((v, i) => v - update[i]!)));
  });

  it("refuses a cap that leaves nothing, and options out of their ranges", () => {
    const parameters = { w: { dtype: "float", shape: [20, 30] } } as const;
    expect(() => shampoo({ maxSize: 10 }).refresh!(parameters)).toThrow(
      /w \[20, 30\], at most 10; expected at least one axis/,
    );
    expect(shampoo({ maxSize: 20 }).refresh!(parameters)!.initial).toHaveLength(1);
    expect(() => shampoo({ epsilon: 0 })).toThrow(/epsilon is out of its range/);
    expect(() => shampoo({ refreshEvery: 1.5 })).toThrow(/refreshEvery is out of its range/);
  });

  it("computes the same on onnxruntime-node", async () => {
    const start = { k: sample([3, 2, 2, 2]), w: sample([6, 5], { seed: 2 }) };
    const gradients = { k: sample([12, 3, 2, 2, 2], { seed: 3 }), w: sample([12, 6, 5], { seed: 4 }) };
    const exact = await descend(shampoo({ epsilon: 0.01 }), start, gradients);
    const fast = await descend(shampoo({ epsilon: 0.01 }), start, gradients, { executor: await onnxruntimeNode() });
    for (const name of ["k", "w"]) {
      expect(Array.from(fast.parameters[name]!.data)).toEqual(close(exact.parameters[name]!.data, 4));
    }
    const rebuilt = product(exact.state["roots/w/0"]!.data, exact.state["roots/w/0"]!.data as Float64Array, 6, 6, 6);
    expect(Array.from(transposed(rebuilt, 6, 6))).toEqual(close(rebuilt, 12));
  });
});
