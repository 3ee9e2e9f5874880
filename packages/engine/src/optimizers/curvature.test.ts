import { describe, expect, it } from "vitest";
import { valueAndGrad } from "../autodiff/gradient.ts";
import { evaluateGraph } from "../executor/interpreter.ts";
import type { Tensor } from "../graph/graph.ts";
import { constant } from "../graph/sources.ts";
import { trace } from "../graph/trace.ts";
import type { HostTensor } from "../graph/types.ts";
import { sum } from "../ops/broadcast.ts";
import { mul, square } from "../ops/elementwise.ts";
import { matmul } from "../ops/matmul.ts";
import { mean } from "../ops/reductions.ts";
import { softmaxCrossEntropy } from "../ops/softmax.ts";
import { host } from "../testing/check.ts";
import { gaussNewtonBartlett, hessianProduct, hutchinson } from "./index.ts";

/** Evaluates a function of two arrays. */
function evaluate(fn: (a: Tensor, b: Tensor) => Tensor, a: HostTensor, b: HostTensor): number[] {
  const graph = trace(({ a, b }) => fn(a, b), { a: { ...a }, b: { ...b } });
  return Array.from(evaluateGraph(graph, [a, b])[0]!.data);
}

const vector = (values: readonly number[]) => host("float", [values.length], values);
const gradientOf = (loss: (p: { w: Tensor }) => Tensor) => (p: { w: Tensor }) => valueAndGrad(loss, p).gradients;

describe("hutchinson", () => {
  it("gives the diagonal of a quadratic's diagonal Hessian with one probe of signs", () => {
    const loss = ({ w }: { w: Tensor }) => mul(sum(mul(square(w), constant([3, -2, 0.5], [3]))), 0.5);
    const estimate = (w: Tensor, u: Tensor) => hutchinson(gradientOf(loss), { w }, { w: u }).w;
    expect(evaluate(estimate, vector([1, 2, 3]), vector([1, -1, -1]))).toEqual([3, -2, 0.5]);
    const product = (w: Tensor, u: Tensor) => hessianProduct(gradientOf(loss), { w }, { w: u }).w;
    expect(evaluate(product, vector([1, 2, 3]), vector([1, -1, -1]))).toEqual([3, 2, -0.5]);
  });

  it("is unbiased: the mean over all probes of signs is the diagonal of a full Hessian", () => {
    // loss 1/4 sum (A w)^4 has the Hessian 3 A' diag((A w)^2) A
    const a = [2, -1, 0.5, 1, 3, -2, 0.25, 1, 1];
    const w = [0.5, -1, 2];
    const loss = ({ w }: { w: Tensor }) => {
      const y = matmul(constant(a, [3, 3]), w);
      return mul(sum(square(square(y))), 0.25);
    };
    const probes = Array.from({ length: 8 }, (_, i) => [0, 1, 2].map((bit) => ((i >> bit) & 1) * 2 - 1));
    const estimate = (at: Tensor, u: Tensor) => hutchinson(gradientOf(loss), { w: at }, { w: u }).w;
    const column = (values: readonly number[]) => host("float", [3, 1], values);
    const estimates = probes.map((u) => evaluate(estimate, column(w), column(u)));
    const y = [0, 1, 2].map((i) => w.reduce((total, v, j) => total + a[3 * i + j]! * v, 0));
    const diagonal = [0, 1, 2].map((j) => y.reduce((total, v, i) => total + 3 * v ** 2 * a[3 * i + j]! ** 2, 0));
    const average = [0, 1, 2].map((j) => estimates.reduce((total, e) => total + e[j]! / 8, 0));
    expect(average).toEqual(diagonal.map((v) => expect.closeTo(v, 9)));
    expect(estimates[0]).not.toEqual(diagonal.map((v) => expect.closeTo(v, 1)));
  });
});

describe("gaussNewtonBartlett", () => {
  it("is unbiased: weighed by the model's own probabilities of labels, it is the Gauss-Newton diagonal", () => {
    const x = [1, 2, -0.5, 0.5];
    const w = [0.3, -0.2, 0.1, 0.5, 0.4, -0.6];
    const estimate = (weight: Tensor, labels: Tensor) => {
      const loss = (p: { w: Tensor }) => mean(softmaxCrossEntropy(matmul(constant(x, [2, 2]), p.w), labels));
      return gaussNewtonBartlett(valueAndGrad(loss, { w: weight }).gradients, 2).w;
    };
    const probabilities = [0, 1].map((row) => {
      const logits = [0, 1, 2].map((c) => x[2 * row]! * w[c]! + x[2 * row + 1]! * w[3 + c]!);
      const total = logits.reduce((sum, v) => sum + Math.exp(v), 0);
      return logits.map((v) => Math.exp(v) / total);
    });
    const expectation = new Array<number>(6).fill(0);
    for (const [first, p] of probabilities[0]!.entries()) {
      for (const [second, q] of probabilities[1]!.entries()) {
        const labels = host("int32", [2], [first, second]);
        const e = evaluate(estimate, host("float", [2, 3], w), labels);
        for (const [i, v] of e.entries()) expectation[i]! += p * q * v;
      }
    }
    // of W[j, c]: mean over the examples of x_j^2 p_c (1 - p_c)
    const diagonal = [0, 1].flatMap((j) =>
      [0, 1, 2].map((c) =>
        [0, 1].reduce((total, row) => {
          const p = probabilities[row]![c]!;
          return total + (x[2 * row + j]! ** 2 * p * (1 - p)) / 2;
        }, 0),
      ),
    );
    expect(expectation).toEqual(diagonal.map((v) => expect.closeTo(v, 12)));
  });
});
