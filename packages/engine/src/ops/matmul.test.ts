import { describe, expect, it } from "vitest";
import { trace } from "../graph/trace.ts";
import type { HostTensor } from "../graph/types.ts";
import { checkExecutor, checkGradients, sample } from "../testing/check.ts";
import { linear, type MatmulOptions, matmul } from "./matmul.ts";

interface Case {
  readonly name: string;
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly options?: MatmulOptions;
}
const cases: readonly Case[] = [
  { name: "rank 2", a: [3, 4], b: [4, 5] },
  { name: "rank 2, a transposed", a: [4, 3], b: [4, 5], options: { transposeA: true } },
  { name: "rank 2, b transposed", a: [3, 4], b: [5, 4], options: { transposeB: true } },
  { name: "rank 2, both transposed", a: [4, 3], b: [5, 4], options: { transposeA: true, transposeB: true } },
  { name: "batched", a: [2, 3, 4], b: [2, 4, 5] },
  { name: "batched, a transposed", a: [2, 4, 3], b: [2, 4, 5], options: { transposeA: true } },
  { name: "batched, b transposed", a: [2, 3, 4], b: [2, 5, 4], options: { transposeB: true } },
  {
    name: "two batch axes, both transposed",
    a: [2, 3, 4, 1],
    b: [2, 3, 2, 4],
    options: { transposeA: true, transposeB: true },
  },
  { name: "broadcast batch axes", a: [2, 1, 3, 4], b: [3, 4, 2] },
  { name: "broadcast the left matrix", a: [3, 4], b: [2, 4, 2] },
  { name: "broadcast the right matrix", a: [2, 3, 4], b: [4, 2] },
  { name: "broadcast the right matrix, a transposed", a: [2, 4, 3], b: [4, 2], options: { transposeA: true } },
];

const inputs = ({ a, b }: Case): Record<string, HostTensor> => ({ a: sample(a), b: sample(b, { seed: 2 }) });

describe("matmul", () => {
  it.each(cases)("$name", async (c) => {
    const product = (x: Record<string, Parameters<typeof matmul>[0]>) => matmul(x.a!, x.b!, c.options);
    checkGradients(`matmul ${c.name}`, product, inputs(c));
    await checkExecutor(`matmul ${c.name}`, product, inputs(c));
  });

  it("keeps a symbolic batch", async () => {
    const values = { a: sample([2, 3, 4]), b: sample([4, 5]), c: sample([2, 3, 4]) };
    const shapes = { a: ["N", 3, 4], c: ["N", 3, 4] };
    await checkExecutor("matmul, right matrix shared", (x) => matmul(x.a!, x.b!), values, { shapes });
    await checkExecutor("matmul, both batched", (x) => matmul(x.a!, x.c!, { transposeB: true }), values, { shapes });
  });

  it("maps the last axis with a bias", async () => {
    const values = { x: sample([2, 3, 4]), w: sample([4, 5]), b: sample([5]) };
    checkGradients("linear", (x) => linear(x.x!, x.w!, x.b), values);
    await checkExecutor("linear", (x) => linear(x.x!, x.w!, x.b), values, { shapes: { x: ["N", 3, 4] } });
  });

  it("refuses operands that do not fit", () => {
    const types = { a: { dtype: "float", shape: [3, 4] }, b: { dtype: "float", shape: [3, 4] } } as const;
    expect(() => trace(({ a, b }) => matmul(a, b), types)).toThrow(/inner extents differ/);
  });
});
