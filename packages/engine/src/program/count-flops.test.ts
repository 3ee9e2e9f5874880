import { describe, expect, it } from "vitest";
import { valueAndGrad } from "../autodiff/gradient.ts";
import type { Tensor } from "../graph/graph.ts";
import { type TensorTree, trace } from "../graph/trace.ts";
import type { Shape, TensorType } from "../graph/types.ts";
import { sum } from "../ops/broadcast.ts";
import { greater } from "../ops/comparison.ts";
import { cond, scan } from "../ops/control.ts";
import { conv2d } from "../ops/convolution.ts";
import { add, exp, mul, square } from "../ops/elementwise.ts";
import { matmul } from "../ops/matmul.ts";
import { reshape } from "../ops/shape.ts";
import { countFlops } from "./count-flops.ts";
import { compileLoop } from "./loop.ts";
import { compileProgram } from "./program.ts";

const float = (...shape: Shape): TensorType => ({ dtype: "float", shape });

function flops(
  fn: (inputs: Record<string, Tensor>) => TensorTree,
  types: Record<string, TensorType>,
  symbols: Record<string, number> = {},
  expensiveShare = 1,
): number {
  const program = compileProgram(
    "counted",
    trace((inputs) => fn(inputs as Record<string, Tensor>), types),
  );
  return countFlops(program, { symbols, expensiveShare });
}

describe("countFlops", () => {
  it("counts the multiplications and additions of a product by plain loops", () => {
    let expected = 0;
    for (let batch = 0; batch < 3; batch++)
      for (let i = 0; i < 4; i++) for (let j = 0; j < 6; j++) for (let l = 0; l < 5; l++) expected += 2;
    const types = { a: float(3, 4, 5), b: float(3, 5, 6) };
    expect(flops(({ a, b }) => ({ y: matmul(a!, b!) }), types)).toBe(expected);
    const turned = { a: float("N", 5, 4), b: float("N", 6, 5) };
    const product = ({ a, b }: Record<string, Tensor>) => ({
      y: matmul(a!, b!, { transposeA: true, transposeB: true }),
    });
    expect(flops(product, turned, { N: 3 })).toBe(expected);
  });

  it("counts every tap of a convolution, and as many in each of its adjoints", () => {
    // [2, 4, 6, 6] by 8 filters [2, 3, 3] in two groups, without padding: [2, 8, 4, 4]
    let expected = 0;
    for (let image = 0; image < 2; image++)
      for (let filter = 0; filter < 8; filter++)
        for (let position = 0; position < 16; position++) for (let tap = 0; tap < 2 * 3 * 3; tap++) expected += 2;
    const types = { x: float(2, 4, 6, 6), w: float(8, 2, 3, 3) };
    const convolve = ({ x, w }: Record<string, Tensor>) => conv2d(x!, w!, { groups: 2 });
    expect(flops((inputs) => ({ y: convolve(inputs) }), types)).toBe(expected);
    // the cotangent of a sum is 1 everywhere, which is moved and not computed; the sum adds 256 elements
    const both = flops((inputs) => ({ ...valueAndGrad((t) => sum(convolve(t)), inputs) }), types);
    expect(both).toBe(3 * expected + 2 * 8 * 4 * 4);
  });

  it("counts elements for other operators, and nothing for moves", () => {
    expect(flops(({ a }) => ({ y: exp(reshape(a!, [12])) }), { a: float(3, 4) })).toBe(12);
    expect(flops(({ a, b }) => ({ y: add(a!, b!) }), { a: float(3, 4), b: float(4) })).toBe(12);
    expect(flops(({ a }) => ({ y: sum(a!, [0]) }), { a: float(100, 2) })).toBe(200);
  });

  it("counts a scan as steps times its body", () => {
    const step = ({ w }: { w: Tensor }, x: Tensor) => ({ carry: { w: add(w, x) }, output: { y: square(w) } });
    const count = (steps: number) =>
      flops(({ w, xs }) => scan(step, { w: w! }, xs!), { w: float(7), xs: float("K", 7) }, { K: steps });
    expect(count(1)).toBe(14);
    expect(count(20)).toBe(20 * 14);
  });

  it("weights the branches of a cond", () => {
    const branches = ({ a }: Record<string, Tensor>) => ({
      y: cond(
        greater(sum(a!), 0),
        () => exp(exp(a!)),
        () => mul(a!, 2),
      ),
    });
    // 10 for the sum and 1 for the comparison; 20 or 10 inside
    expect(flops(branches, { a: float(10) })).toBe(31);
    expect(flops(branches, { a: float(10) }, {}, 0)).toBe(21);
    expect(flops(branches, { a: float(10) }, {}, 0.1)).toBeCloseTo(22);
  });

  it("adds up the segments of a loop with host kernels", () => {
    const loop = compileLoop(
      "loop",
      {
        begin: ({ w }) => ({ w: exp(w as Tensor), gram: matmul(w as Tensor, w as Tensor) }),
        step: ({ w, gram }: Record<string, Tensor>, { x }: Record<string, Tensor>) => ({
          carry: { w: add(w!, x!), gram: gram! },
          output: {},
        }),
        end: ({ w }: Record<string, Tensor>) => ({ w: square(w!) }),
      } as Parameters<typeof compileLoop>[1],
      { w: float(3, 3), xs: { x: float("K", 3, 3) } },
      "xs",
      { first: 1, every: 2, ahead: false, initial: [], later: [] },
    );
    expect(countFlops(loop, { symbols: { K: 5 } })).toBe(9 + 2 * 27 + 5 * 9 + 9);
  });

  it("refuses a symbol without an extent", () => {
    expect(() => flops(({ a }) => ({ y: exp(a!) }), { a: float("N") })).toThrow(/no value/);
  });
});
