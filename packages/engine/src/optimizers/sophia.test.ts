import { describe, expect, it } from "vitest";
import { valueAndGrad } from "../autodiff/gradient.ts";
import { evaluateGraph } from "../executor/interpreter.ts";
import type { Tensor } from "../graph/graph.ts";
import { constant } from "../graph/sources.ts";
import { mapTensors, type TensorTree, trace } from "../graph/trace.ts";
import type { HostTensor } from "../graph/types.ts";
import * as nn from "../nn/index.ts";
import { scan } from "../ops/control.ts";
import { sub } from "../ops/elementwise.ts";
import { gather } from "../ops/indexing.ts";
import { mean } from "../ops/reductions.ts";
import { softmaxCrossEntropy } from "../ops/softmax.ts";
import { checkExecutor, host } from "../testing/check.ts";
import { sample } from "../testing/samples.ts";
import { hutchinson, type OptimizerState, type SophiaOptions, sophia, takeStep } from "./index.ts";

type W = { readonly w: Tensor };

/** Steps from w with the gradients and curvatures of each row: w and h after every step. */
function steps(options: SophiaOptions, w: number[], gradients: number[][], curvatures: number[][], warm?: number[]) {
  const rule = sophia(options);
  const n = w.length;
  const body = (carry: { p: W; state: OptimizerState }, slice: { g: Tensor; h: Tensor }) => {
    const context = { learningRate: 0.1, curvature: () => ({ w: slice.h }) };
    const { parameters, state } = takeStep(rule, { w: slice.g }, carry.state, carry.p, context);
    return { carry: { p: parameters, state }, output: { w: parameters.w, h: state.preconditioner["w"]! } };
  };
  const start = (p: W) =>
    warm === undefined
      ? rule.init(p)
      : rule.init(p, { preconditioner: { w: constant(warm, [n]) }, steps: constant(7) });
  const types = { dtype: "float", shape: [gradients.length, n] } as const;
  const graph = trace(({ g, h, p }) => scan(body, { p: { w: p }, state: start({ w: p }) }, { g, h }).outputs, {
    g: types,
    h: types,
    p: { dtype: "float", shape: [n] },
  });
  const fed = [host("float", [...types.shape], gradients.flat()), host("float", [...types.shape], curvatures.flat())];
  const [h, after] = evaluateGraph(graph, [...fed, host("float", [n], w)]);
  const rows = (t: HostTensor) => gradients.map((_, i) => Array.from(t.data.subarray(i * n, (i + 1) * n)));
  return { h: rows(h!), w: rows(after!) };
}

const close = (values: number[]) => values.map((v) => expect.closeTo(v, 12));

describe("sophia", () => {
  it("steps by the rate times the sign of m where h is 0 or negative", () => {
    const { w } = steps({}, [1, 1, 1], [[1e-6, -4, 0]], [[0, -2, 0]]);
    expect(w[0]).toEqual(close([0.9, 1.1, 1]));
  });

  it("steps by m / (gamma h) where h is huge, and never by more than the rate", () => {
    const { w } = steps({ beta1: 0.75, beta2: 0.5, clipRatio: 0.02 }, [0, 0, 0], [[4, -4, 4]], [[200, 400, 20]]);
    // m = 0.25 g = 1; h = 0.5 * curvature = 100, 200, 10; gamma h = 2, 4, 0.2
    expect(w[0]).toEqual(close([-0.05, 0.025, -0.1]));
    const large = sample([40, 3], { seed: 3, scale: 9 }).data;
    const random = Array.from({ length: 40 }, (_, i) => Array.from(large.subarray(3 * i, 3 * i + 3)));
    const path = [[0, 0, 0], ...steps({ refreshEvery: 3, clipRatio: 1 }, [0, 0, 0], random, random).w];
    const lengths = path.slice(1).flatMap((row, i) => row.map((v, j) => Math.abs(v - path[i]![j]!)));
    expect(Math.max(...lengths)).toBeCloseTo(0.1, 12);
    expect(Math.min(...lengths)).toBeLessThan(0.09);
  });

  it("keeps h between refreshes, decays the parameters apart, and does what the rule says over many steps", () => {
    const options = { beta1: 0.5, beta2: 0.75, clipRatio: 0.5, refreshEvery: 3, weightDecay: 0.2, epsilon: 0.25 };
    const gradients = [[1], [-2], [0.5], [3], [0.1], [-0.3], [-0.2]];
    const curvatures = [[2], [90], [91], [4], [92], [93], [-6]];
    const result = steps(options, [1], gradients, curvatures);
    let [w, m, h] = [1, 0, 0];
    for (const [k, [g]] of gradients.entries()) {
      m = 0.5 * m + 0.5 * g!;
      if (k % 3 === 0) h = 0.75 * h + 0.25 * curvatures[k]![0]!;
      w = w * (1 - 0.02) - 0.1 * Math.min(1, Math.max(-1, m / Math.max(0.5 * h, 0.25)));
      expect([result.w[k], result.h[k]]).toEqual([close([w]), close([h])]);
    }
  });

  it("goes on with the h of a warm start", () => {
    const { h } = steps({ beta2: 0.75 }, [1], [[1], [1]], [[2], [90]], [4]);
    expect(h).toEqual([close([3.5]), close([3.5])]);
  });

  it("computes the curvature only in steps that refresh", () => {
    const rule = sophia({ refreshEvery: 2 });
    const run = (indices: number[]) => {
      const body = (carry: { p: W; state: OptimizerState }, { index }: { index: Tensor }) => {
        // an index beyond the table cannot be evaluated
        const curvature = () => ({ w: gather(constant([1, 2], [2]), index) });
        const next = takeStep(rule, { w: carry.p.w }, carry.state, carry.p, { learningRate: 0.1, curvature });
        return { carry: { p: next.parameters, state: next.state }, output: {} };
      };
      const graph = trace(
        ({ p, index }) => scan(body, { p: { w: p }, state: rule.init({ w: p }) }, { index }).carry.p,
        {
          index: { dtype: "int32", shape: ["K", 1] },
          p: { dtype: "float", shape: [1] },
        },
      );
      return evaluateGraph(graph, [host("int32", [indices.length, 1], indices), host("float", [1], [1])]);
    };
    expect(run([0, 9, 1, 9])[0]!.data).toHaveLength(1);
    expect(() => run([0, 9, 9, 9])).toThrow(/index/);
  });

  it("refuses steps without a curvature and options out of their ranges", () => {
    const w = constant([1], [1]);
    const state = sophia().init({ w });
    expect(() => sophia().direction({ w }, state, { w }, { learningRate: 1 })).toThrow(/needs an estimate/);
    expect(() => sophia({ refreshEvery: 0 })).toThrow(/refreshEvery is out of its range/);
    expect(() => sophia({ clipRatio: 0 })).toThrow(/clipRatio is out of its range/);
    expect(() => sophia({ beta1: 1 })).toThrow(/beta1 is out of its range/);
  });
});

/** Small models with a Hessian product under `cond` in a `scan`, as a client trains them. */
const models = [
  {
    name: "convolution",
    network: nn.sequential(
      nn.conv2d("conv1", 2, 4, 3, { padding: 1 }),
      nn.groupNorm("norm", 4, 2),
      nn.gelu,
      nn.maxPool(2),
      nn.conv2d("conv2", 4, 4, 3),
      nn.tanh,
      nn.flatten,
      nn.dense("head", 16, 3),
    ),
    example: [2, 8, 8],
  },
  {
    name: "attention",
    network: nn.sequential(
      nn.transformerBlock("block", { width: 8, heads: 2, causal: true }),
      nn.stateless((x) => mean(x, [1])),
      nn.dense("head", 8, 3),
    ),
    example: [5, 8],
  },
];

describe("sophia with Hutchinson's estimate", () => {
  it.each(models)("runs on onnxruntime-node for $name", async ({ name, network, example }) => {
    // the gradient by an attention's key bias is 0 up to rounding: no epsilon would make that a sign
    const rule = sophia({ refreshEvery: 2, clipRatio: 1, epsilon: 1e-2 });
    const start = Object.fromEntries(
      network.parameters.map((p, i) => [`p/${p.name}`, sample(p.shape, { seed: i, scale: 0.5 })]),
    );
    const probes = Object.fromEntries(
      network.parameters.map((p, i) => {
        const { data } = sample(p.shape, { seed: 50 + i });
        return [`u/${p.name}`, host("float", p.shape, data.map(Math.sign))];
      }),
    );
    const named = (x: Record<string, Tensor>, prefix: string) =>
      Object.fromEntries(network.parameters.map((p) => [p.name, x[prefix + p.name]!]));
    const program = (x: Record<string, Tensor>): TensorTree => {
      const body = (carry: { p: nn.Parameters; state: OptimizerState }, slice: { x: Tensor; y: Tensor }) => {
        const loss = (p: nn.Parameters) => mean(softmaxCrossEntropy(network.apply(p, slice.x), slice.y));
        const gradientOf = (p: nn.Parameters) => valueAndGrad(loss, p).gradients;
        const curvature = () => hutchinson(gradientOf, carry.p, named(x, "u/"));
        const context = { learningRate: 0.01, curvature };
        const next = takeStep(rule, gradientOf(carry.p), carry.state, carry.p, context);
        return { carry: { p: next.parameters, state: next.state }, output: {} };
      };
      const p = named(x, "p/");
      const { carry } = scan(body, { p, state: rule.init(p) }, { x: x["x"]!, y: x["y"]! });
      return { h: carry.state.preconditioner, step: mapTensors(carry.p, (w, path) => sub(w, p[path]!)) };
    };
    const data = { x: sample([3, 2, ...example], { seed: 9 }), y: host("int32", [3, 2], [0, 1, 2, 0, 1, 2]) };
    const shapes = { x: ["K", 2, ...example], y: ["K", 2] };
    await checkExecutor(`sophia ${name}`, program, { ...start, ...probes, ...data }, { shapes, tolerance: 1e-3 });
  });
});
