import { describe, expect, it } from "vitest";
import { evaluateGraph } from "../executor/interpreter.ts";
import type { Tensor } from "../graph/graph.ts";
import { type TensorTree, trace } from "../graph/trace.ts";
import { checkExecutor, host } from "../testing/check.ts";
import { adam, adamw, clipByGlobalNorm, type Optimizer, sgd, takeStep } from "./index.ts";

const vector = { dtype: "float", shape: [2] } as const;
const g1 = [1, -2];
const g2 = [0.5, 4];

/** Parameters after two steps from [1, 2] at learning rate 0.1, with gradients g1 then g2. */
function twoSteps(optimizer: Optimizer): number[] {
  const run = (p: Tensor, first: Tensor, second: Tensor) => {
    const one = takeStep(optimizer, { w: first }, optimizer.init({ w: p }), { w: p }, { learningRate: 0.1 });
    return takeStep(optimizer, { w: second }, one.state, one.parameters, { learningRate: 0.1 }).parameters.w;
  };
  const graph = trace(({ p, a, b }) => run(p, a, b), { a: vector, b: vector, p: vector });
  const [result] = evaluateGraph(graph, [host("float", [2], g1), host("float", [2], g2), host("float", [2], [1, 2])]);
  return Array.from(result!.data);
}

const close = (values: number[]) => values.map((v) => expect.closeTo(v, 12));

describe("sgd", () => {
  it("without options steps along the gradient", () => {
    // p - 0.1 (g1 + g2)
    expect(twoSteps(sgd())).toEqual(close([1 - 0.15, 2 - 0.2]));
    expect(sgd().init({})).toEqual({ preconditioner: {} });
  });

  it("momentum 0.9", () => {
    // m1 = g1, m2 = 0.9 g1 + g2 = [1.4, 2.2]; p - 0.1 (m1 + m2) = p - 0.1 [2.4, 0.2]
    expect(twoSteps(sgd({ momentum: 0.9 }))).toEqual(close([0.76, 1.98]));
  });

  it("Nesterov momentum 0.9", () => {
    // d1 = g1 + 0.9 m1 = 1.9 g1 = [1.9, -3.8]; d2 = g2 + 0.9 m2 = [0.5 + 1.26, 4 + 1.98] = [1.76, 5.98]
    expect(twoSteps(sgd({ momentum: 0.9, nesterov: true }))).toEqual(close([1 - 0.366, 2 - 0.218]));
  });

  it("weight decay 0.5 joins the gradient, before the momentum", () => {
    // first coordinate: m1 = 1 + 0.5 = 1.5, p1 = 0.85; m2 = 1.35 + 0.5 + 0.425 = 2.275, p2 = 0.6225
    // second: m1 = -2 + 1 = -1, p1 = 2.1; m2 = -0.9 + 4 + 1.05 = 4.15, p2 = 1.685
    expect(twoSteps(sgd({ momentum: 0.9, weightDecay: 0.5 }))).toEqual(close([0.6225, 1.685]));
    // without momentum: p1 = 0.85, p2 = 0.85 - 0.1 (0.5 + 0.425) = 0.7575; p1 = 2.1, p2 = 2.1 - 0.1 (4 + 1.05) = 1.595
    expect(twoSteps(sgd({ weightDecay: 0.5 }))).toEqual(close([0.7575, 1.595]));
  });
});

describe("adamw", () => {
  it("corrects the bias of both moments and decays apart from them", () => {
    // beta1 0.5, beta2 0.75, epsilon 0.5, decay 0.2, rate 0.1; corrections 1 - beta^t: 0.5, 0.75 and 0.25, 0.4375
    const expected = [0, 1].map((j) => {
      let p = [1, 2][j]!;
      const [a, b] = [g1[j]!, g2[j]!];
      // t = 1: m / 0.5 = a, v / 0.25 = a^2
      p = p * (1 - 0.02) - (0.1 * a) / (Math.abs(a) + 0.5);
      // t = 2: m = 0.25 a + 0.5 b, v = 0.1875 a^2 + 0.25 b^2
      const m = (0.25 * a + 0.5 * b) / 0.75;
      const v = (0.1875 * a * a + 0.25 * b * b) / 0.4375;
      return p * (1 - 0.02) - (0.1 * m) / (Math.sqrt(v) + 0.5);
    });
    expect(twoSteps(adamw({ beta1: 0.5, beta2: 0.75, epsilon: 0.5, weightDecay: 0.2 }))).toEqual(close(expected));
  });

  it("first step is the rate times the sign, whatever the scale", () => {
    const rule = adamw({ epsilon: 0, weightDecay: 0 });
    const graph = trace(
      ({ p, g }) => takeStep(rule, { p: g }, rule.init({ p }), { p }, { learningRate: 0.1 }).parameters.p,
      { p: vector, g: vector },
    );
    const [result] = evaluateGraph(graph, [host("float", [2], [1e-6, -1e6]), host("float", [2], [1, 2])]);
    expect(Array.from(result!.data)).toEqual(close([0.9, 2.1]));
  });
});

describe("adam", () => {
  it("scales its decay like the gradient", () => {
    // beta1 0.5, beta2 0.75, epsilon 0.5, decay 0.2, rate 0.1, as in the test of adamw
    const expected = [0, 1].map((j) => {
      let p = [1, 2][j]!;
      const a = g1[j]! + 0.2 * p;
      p -= (0.1 * a) / (Math.abs(a) + 0.5);
      const b = g2[j]! + 0.2 * p;
      const m = (0.25 * a + 0.5 * b) / 0.75;
      const v = (0.1875 * a * a + 0.25 * b * b) / 0.4375;
      return p - (0.1 * m) / (Math.sqrt(v) + 0.5);
    });
    const moments = { beta1: 0.5, beta2: 0.75, epsilon: 0.5 };
    expect(twoSteps(adam({ ...moments, weightDecay: 0.2 }))).toEqual(close(expected));
    expect(twoSteps(adam(moments))).toEqual(twoSteps(adamw({ ...moments, weightDecay: 0 })));
  });
});

describe("a warm start of adamw", () => {
  const warm = (v: Tensor, t: Tensor) => ({ preconditioner: { w: v }, steps: t });
  const rule = adamw({ beta1: 0.5, beta2: 0.75, epsilon: 0.5, weightDecay: 0 });

  it("goes on with the second moment and begins the first anew", () => {
    const graph = trace(
      ({ p, g, v, t }) => {
        const state = rule.init({ w: p }, warm(v, t));
        const { parameters, state: next } = takeStep(rule, { w: g }, state, { w: p }, { learningRate: 0.1 });
        return { v: next.preconditioner["w"]!, w: parameters.w };
      },
      { p: vector, g: vector, v: vector, t: { dtype: "float", shape: [] } },
    );
    const inputs = { g: g1, p: [1, 2], t: [1], v: [0.5, 1] };
    const [v, w] = evaluateGraph(
      graph,
      graph.inputs.map(({ name, tensor }) =>
        host("float", tensor.shape as number[], inputs[name as keyof typeof inputs]),
      ),
    ).map((t) => Array.from(t.data));
    // v = 0.75 v0 + 0.25 g^2 with t = 2: 1 - 0.75^2 = 0.4375; m / (1 - 0.5) = g with k = 1
    const second = [0.625, 1.75];
    expect(v).toEqual(close(second));
    expect(w).toEqual(close(second.map((x, j) => [1, 2][j]! - (0.1 * g1[j]!) / (Math.sqrt(x / 0.4375) + 0.5))));
  });
});

describe("clipByGlobalNorm", () => {
  const clipped = (a: number[], b: number[], norm: number) => {
    const graph = trace(({ x, y }) => clipByGlobalNorm({ x, y: { z: y } }, norm), { x: vector, y: vector });
    return evaluateGraph(graph, [host("float", [2], a), host("float", [2], b)]).map((t) => Array.from(t.data));
  };

  it("bounds the norm over all leaves together and leaves short trees alone", () => {
    // norm of (2, 4, 4, 0) is 6; bound 3 halves it, up to the 1e-6 that PyTorch adds to the norm
    const factor = 3 / (6 + 1e-6);
    expect(clipped([2, 4], [4, 0], 3)).toEqual([close([2 * factor, 4 * factor]), close([4 * factor, 0])]);
    expect(clipped([2, 4], [4, 0], 10)).toEqual([
      [2, 4],
      [4, 0],
    ]);
    expect(clipped([0, 0], [0, 0], 1)).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });
});

it("options out of their ranges are refused", () => {
  expect(() => sgd({ nesterov: true })).toThrow(/more than 0 with nesterov/);
  expect(() => sgd({ momentum: 1 })).toThrow(/momentum is out of its range/);
  expect(() => adamw({ beta2: 1 })).toThrow(/beta2 is out of its range/);
  expect(() => adam({ weightDecay: -1 })).toThrow(/weightDecay is out of its range/);
  expect(() => clipByGlobalNorm({}, 0)).toThrow(/maxNorm is out of its range/);
});

describe("structure and executor", () => {
  it.each([
    { name: "sgd", optimizer: sgd({ momentum: 0.9, nesterov: true, weightDecay: 0.01 }) },
    { name: "adamw", optimizer: adamw() },
  ])("$name refuses other trees and runs on onnxruntime-node", async ({ name, optimizer }) => {
    const inputs = { g: host("float", [2], g1), p: host("float", [2], [1, 2]), rate: host("float", [], [0.1]) };
    const step = ({ g, p, rate }: Record<string, Tensor>): TensorTree => {
      const context = { learningRate: rate! };
      const one = takeStep(optimizer, { w: g! }, optimizer.init({ w: p! }), { w: p! }, context);
      const two = takeStep(optimizer, { w: g! }, one.state, one.parameters, context);
      return { parameters: two.parameters, state: two.state };
    };
    await checkExecutor(name, step, inputs);
    const wrong = ({ g, p }: { g: Tensor; p: Tensor }) =>
      optimizer.direction({ other: g } as TensorTree, optimizer.init({ w: p }), { w: p } as TensorTree, {
        learningRate: 0.1,
      }).direction;
    expect(() => trace(wrong, { g: vector, p: vector })).toThrow(/differ in structure/);
  });
});
