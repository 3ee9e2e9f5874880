import { describe, expect, it } from "vitest";
import { evaluateGraph } from "../executor/interpreter.ts";
import type { Tensor } from "../graph/graph.ts";
import { type TensorTree, trace } from "../graph/trace.ts";
import type { HostTensor } from "../graph/types.ts";
import { add, mul } from "../ops/elementwise.ts";
import { reshape, transpose } from "../ops/shape.ts";
import { checkExecutor, host } from "../testing/check.ts";
import { sample } from "../testing/samples.ts";
import { adamw, muon, newtonSchulz, type Optimizer, takeStep } from "./index.ts";

type Inputs = Record<string, Tensor>;

/** Outputs of a traced function of named arrays, by name, in float64. */
function evaluate(fn: (x: Inputs) => TensorTree, inputs: Record<string, HostTensor>): Record<string, number[]> {
  const types = Object.fromEntries(Object.entries(inputs).map(([k, { dtype, shape }]) => [k, { dtype, shape }]));
  const graph = trace(fn, types);
  const results = evaluateGraph(
    graph,
    graph.inputs.map((i) => inputs[i.name]!),
  );
  return Object.fromEntries(graph.outputs.map((o, i) => [o.name, Array.from(results[i]!.data)]));
}

const context = { learningRate: 0.1 };
const close = (values: number[], digits = 9) => values.map((v) => expect.closeTo(v, digits));
const first = (rule: Optimizer, p: TensorTree, g: TensorTree) => rule.direction(g, rule.init(p), p, context);
const matrix = (shape: number[], seed: number) => sample(shape, { seed });

describe("muon on a matrix", () => {
  const inputs = { w: matrix([3, 2], 1), g: matrix([3, 2], 2), h: matrix([3, 2], 3) };

  it("begins with U = 0.0975 G with Nesterov, 0.05 G without", () => {
    const result = evaluate(
      ({ w, g }) => ({
        nesterov: first(muon(), { w: w! }, { w: g! }).direction,
        plain: first(muon({ nesterov: false }), { w: w! }, { w: g! }).direction,
        expectedNesterov: newtonSchulz(mul(g!, 0.0975)),
        expectedPlain: newtonSchulz(mul(g!, 0.05)),
        momentum: first(muon(), { w: w! }, { w: g! }).state.preconditioner,
      }),
      inputs,
    );
    expect(result["nesterov/w"]).toEqual(close(result["expectedNesterov"]!));
    expect(result["plain/w"]).toEqual(close(result["expectedPlain"]!));
    expect(result["momentum/w"]).toEqual(close(Array.from(inputs.g.data, (v) => 0.05 * v)));
  });

  it("carries the momentum on, also from a warm start", () => {
    const result = evaluate(({ w, g, h }) => {
      const rule = muon({ momentum: 0.5 });
      const one = first(rule, { w: w! }, { w: g! });
      const warm = rule.init({ w: w! }, { preconditioner: one.state.preconditioner, steps: mul(0, 0) });
      return {
        two: rule.direction({ w: h! }, one.state, { w: w! }, context).direction,
        warm: rule.direction({ w: h! }, warm, { w: w! }, context).direction,
        // M = 0.5 (0.5 g) + 0.5 h;  U = 0.5 h + 0.5 M = 0.125 g + 0.75 h, scale free up to the 1e-7 in the norm
        expected: newtonSchulz(mul(add(g!, mul(h!, 6)), 0.125)),
      };
    }, inputs);
    expect(result["two/w"]).toEqual(close(result["expected"]!));
    expect(result["warm/w"]).toEqual(result["two/w"]);
  });

  it("forgets the scale of the gradient", () => {
    const step = ({ w, g }: Inputs) => first(muon(), { w: w! }, { w: g! }).direction;
    const scaled = (c: number) =>
      evaluate(step, { ...inputs, g: { ...inputs.g, data: inputs.g.data.map((v) => c * v) } });
    expect(scaled(1e8)["w"]).toEqual(close(scaled(1e5)["w"]!));
  });

  it("multiplies step and decay by matrixRate", () => {
    const result = evaluate(
      ({ w, g }) => ({
        plain: first(muon(), { w: w! }, { w: g! }).direction,
        scaled: first(muon({ matrixRate: 10, weightDecay: 0.3 }), { w: w! }, { w: g! }).direction,
      }),
      inputs,
    );
    expect(result["scaled/w"]).toEqual(close(result["plain/w"]!.map((v, i) => 10 * (v + 0.3 * inputs.w.data[i]!))));
  });
});

describe("the scale of muon", () => {
  const directionFor = (shape: number[], reference: (g: Tensor) => Tensor) => {
    const result = evaluate(
      ({ w, g }) => ({ muon: first(muon(), { w: w! }, { w: g! }).direction, expected: reference(mul(g!, 0.0975)) }),
      { w: matrix(shape, 5), g: matrix(shape, 6) },
    );
    return [result["muon/w"]!, close(result["expected"]!)];
  };

  it("is sqrt(outputs / inputs) of a dense layer stored [inputs, outputs]", () => {
    // the reference stores [outputs, inputs]: transpose, rows / columns = 8 / 2, transpose back
    const [wide, four] = directionFor([2, 8], (u) => transpose(mul(newtonSchulz(transpose(u, [1, 0])), 2), [1, 0]));
    expect(wide).toEqual(four);
    const [tall, one] = directionFor([8, 2], (u) => newtonSchulz(u));
    expect(tall).toEqual(one);
  });

  it("takes three axes as a batch and a kernel as one matrix of scale 1", () => {
    const [batch, each] = directionFor([3, 2, 8], (u) => mul(newtonSchulz(u), 2));
    expect(batch).toEqual(each);
    const [kernel, whole] = directionFor([8, 2, 1, 3], (u) => reshape(newtonSchulz(reshape(u, [8, 6])), [8, 2, 1, 3]));
    expect(kernel).toEqual(whole);
  });
});

describe("muon on a model", () => {
  const inputs = {
    bias: matrix([2], 1),
    gBias: matrix([2], 2),
    weight: matrix([2, 2], 3),
    gWeight: matrix([2, 2], 4),
  };

  it("gives vectors and excluded matrices to AdamW with its own options", () => {
    const decay = { weightDecay: 0.3, auxiliary: { beta1: 0.8, beta2: 0.7, epsilon: 0.1, weightDecay: 0.2 } };
    const result = evaluate(({ bias, gBias, weight, gWeight }) => {
      const p = { layer: { bias: bias!, weight: weight! }, table: weight! };
      const g = { layer: { bias: gBias!, weight: gWeight! }, table: gWeight! };
      const rule = muon({ ...decay, exclude: ["table"] });
      const other = adamw(decay.auxiliary);
      const begun = rule.init(p);
      const one = takeStep(rule, g, begun, p, context);
      const two = takeStep(rule, g, one.state, one.parameters, context);
      const start = { bias: bias!, table: weight! };
      const slope = { bias: gBias!, table: gWeight! };
      const a = takeStep(other, slope, other.init(start), start, context);
      const b = takeStep(other, slope, a.state, a.parameters, context);
      return { muon: two.parameters, adamw: b.parameters, preconditioner: begun.preconditioner };
    }, inputs);
    expect(result["muon/layer/bias"]).toEqual(result["adamw/bias"]);
    expect(result["muon/table"]).toEqual(result["adamw/table"]);
    expect(Object.keys(result).filter((k) => k.startsWith("preconditioner"))).toEqual(["preconditioner/layer/weight"]);
  });

  it("refuses models without matrices, unknown exclusions and options out of their ranges", () => {
    const init = (rule: Optimizer, shape: number[]) =>
      trace(({ w }) => rule.init({ w }).preconditioner, { w: { dtype: "float", shape } });
    expect(() => init(muon(), [3])).toThrow(/muon needs a matrix.*received w \[3\]/);
    expect(() => init(muon({ exclude: ["w"] }), [3, 2])).toThrow(/excluded: w/);
    expect(() => init(muon({ exclude: ["v"] }), [3, 2])).toThrow(/not a parameter.*received v/);
    expect(() => muon({ momentum: 1 })).toThrow(/momentum is out of its range/);
    expect(() => muon({ matrixRate: 0 })).toThrow(/matrixRate is out of its range/);
    expect(() => muon({ iterations: 0 })).toThrow(/iterations is out of its range/);
  });

  it("runs on onnxruntime-node", async () => {
    const shapes = { bias: [4], batch: [2, 3, 4], kernel: [4, 2, 3, 3], tall: [6, 3], wide: [3, 6] };
    const entries = Object.entries(shapes).flatMap(([name, shape], i) => [
      [name, matrix(shape, i)],
      [`g-${name}`, matrix(shape, 10 + i)],
    ]);
    const rule = muon({ weightDecay: 0.1, matrixRate: 2 });
    const step = (x: Inputs): TensorTree => {
      const p = Object.fromEntries(Object.keys(shapes).map((name) => [name, x[name]!]));
      const g = Object.fromEntries(Object.keys(shapes).map((name) => [name, x[`g-${name}`]!]));
      const one = takeStep(rule, g, rule.init(p), p, { learningRate: x["rate"]! });
      const two = takeStep(rule, g, one.state, one.parameters, { learningRate: x["rate"]! });
      return { parameters: two.parameters, state: two.state };
    };
    const inputs = { ...Object.fromEntries(entries), rate: host("float", [], [0.1]) };
    await checkExecutor("muon", step, inputs, { tolerance: 1e-4 });
  });
});
