import { describe, expect, it } from "vitest";
import { evaluateGraph } from "../executor/interpreter.ts";
import { trace } from "../graph/trace.ts";
import type { HostTensor } from "../graph/types.ts";
import { checkExecutor, host } from "../testing/check.ts";
import { sample } from "../testing/samples.ts";
import { type NewtonSchulzOptions, newtonSchulz } from "./newton-schulz.ts";

type Matrix = readonly (readonly number[])[];

function evaluate(x: HostTensor, options?: NewtonSchulzOptions): number[] {
  const graph = trace(({ x: u }) => newtonSchulz(u, options), { x: { dtype: "float", shape: x.shape } });
  return Array.from(evaluateGraph(graph, [x])[0]!.data);
}

const ns5 = (x: Matrix): number[][] => rows(evaluate(host("float", [x.length, x[0]!.length], x.flat())), x[0]!.length);
const rows = (flat: number[], columns: number) =>
  Array.from({ length: flat.length / columns }, (_, i) => flat.slice(i * columns, (i + 1) * columns));
const product = (a: Matrix, b: Matrix) =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((total, v, k) => total + v * b[k]![j]!, 0)));
const transposed = (a: Matrix) => a[0]!.map((_, j) => a.map((row) => row[j]!));
const close = (a: Matrix, digits: number) => a.map((row) => row.map((v) => expect.closeTo(v, digits)));
const rotation = (t: number) => [
  [Math.cos(t), -Math.sin(t)],
  [Math.sin(t), Math.cos(t)],
];
/** Far from the 1e-7 in the norm: what is scale free is so to 1e-9. */
const large = rows(
  Array.from(sample([2, 3], { seed: 4 }).data, (v) => 1e4 * v),
  3,
);

describe("newtonSchulz", () => {
  it("gives the values of an independent float64 computation", () => {
    // printed to six digits
    const expected = [
      [-0.56829, 0.057742, 0.683774],
      [0.563355, 0.405613, 0.247871],
    ];
    const result = ns5([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(result).toEqual(close(expected, 6));
    expect(singularValues(result)).toEqual(close([[0.920395, 0.700027]], 6)[0]);
    expect(ns5([[2]])).toEqual(close([[0.696436]], 6));
    const identity = [
      [1, 0],
      [0, 1],
    ];
    expect(ns5(identity)).toEqual(close(product(identity, [[1.108111, 0], [0, 1.108111]]), 6)); // biome-ignore format: one matrix
    expect(ns5([[3, 0], [0, 1], [0, 0]])).toEqual(close([[0.753033, 0], [0, 1.133706], [0, 0]], 6)); // biome-ignore format: matrices
  });

  it("is scale free, commutes with rotations and transposition, and keeps zeros", () => {
    const result = ns5(large);
    expect(ns5(large.map((row) => row.map((v) => 7.3 * v)))).toEqual(close(result, 9));
    expect(ns5(transposed(large))).toEqual(close(transposed(result), 12));
    const [c, s] = [Math.cos(0.9), Math.sin(0.9)];
    const right = [[c, 0, -s], [0, 1, 0], [s, 0, c]]; // biome-ignore format: one matrix
    expect(ns5(product(product(rotation(0.4), large), right))).toEqual(
      close(product(product(rotation(0.4), result), right), 9),
    );
    expect(ns5([[0, 0], [0, 0], [0, 0]])).toEqual([[0, 0], [0, 0], [0, 0]]); // biome-ignore format: matrices
  });

  it("brings singular values from 0.01 on into [0.68, 1.21]", () => {
    for (const ratio of [1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.011]) {
      const [high, low] = singularValues(ns5([[1e4, 0, 0], [0, 1e4 * ratio, 0]])); // biome-ignore format: one matrix
      expect(low).toBeGreaterThan(0.68);
      expect(high).toBeLessThan(1.21);
    }
  });

  it("takes a batch matrix by matrix", () => {
    const [a, b] = [sample([2, 3], { seed: 1 }).data, sample([2, 3], { seed: 2 }).data];
    const batch = evaluate(host("float", [2, 2, 3], [...a, ...b]));
    expect(batch).toEqual([...evaluate(host("float", [2, 3], a)), ...evaluate(host("float", [2, 3], b))]);
  });

  it("with the cubic coefficients converges to the polar factor", () => {
    const polar = [
      [-0.577792, 0.115117, 0.808025],
      [0.706746, 0.565757, 0.424769],
    ];
    const options = { iterations: 30, coefficients: [1.5, -0.5, 0] } as const;
    const result = rows(evaluate(host("float", [2, 3], [1, 2, 3, 4, 5, 6]), options), 3);
    expect(result).toEqual(close(polar, 6));
    expect(product(result, transposed(result))).toEqual(close([[1, 0], [0, 1]], 12)); // biome-ignore format: one matrix
  });

  it.each([
    { shape: [3, 5] },
    { shape: [7, 4] },
    { shape: [2, 4, 3] },
  ])("runs on onnxruntime-node, gradients included, for $shape", async ({ shape }) => {
    await checkExecutor("newtonSchulz", ({ x }) => newtonSchulz(x!), { x: sample(shape) }, { tolerance: 1e-4 });
  });
});

/** Of a 2 x n matrix, from the trace and determinant of its Gram matrix. */
function singularValues(a: Matrix): number[] {
  const gram = product(a, transposed(a));
  const half = (gram[0]![0]! + gram[1]![1]!) / 2;
  const root = Math.sqrt(half ** 2 - (gram[0]![0]! * gram[1]![1]! - gram[0]![1]! * gram[1]![0]!));
  return [Math.sqrt(half + root), Math.sqrt(half - root)];
}
