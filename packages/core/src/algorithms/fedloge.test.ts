import { add, constant, evaluate, gradients, matmul, mean, relu, transpose, valueAndGrad } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { simulateSmall, smallSimulation } from "../conformance/small-live-run.ts";
import { objectiveSlopes } from "../heterogeneity/fitted-entries.ts";
import { classifierObjective, detachedHeadLosses, realignedLogits, sparseClassifier } from "../heterogeneity/index.ts";
import { mlp } from "../models/index.ts";
import { layout } from "../params/layout.ts";
import { rootKey } from "../random/index.ts";
import type { LocalStep, ParameterTensors } from "./algorithm.ts";
import { fedloge } from "./fedloge.ts";

const [inputs, width, classes] = [2, 4, 3];
const model = mlp({ input: [inputs], hidden: [width], classes, inputType: "float" });
const whole = layout(model.parameters);
const wave = (n: number, at: number) => Array.from({ length: n }, (_, i) => Math.sin(at + 1.7 * i));
const dense = (name: string, rows: number, columns: number, at: number): ParameterTensors => ({
  [`${name}.weight`]: constant(wave(rows * columns, at), [rows, columns]),
  [`${name}.bias`]: constant(wave(columns, at + 0.5), [columns]),
});
const parameters = { ...dense("dense1", inputs, width, 0), ...dense("dense2", width, classes, 1) };
const head = dense("dense2", width, classes, 2);
const classifier = { ...dense("dense2", width, classes, 3), "dense2.bias": constant([0, 0, 0], [classes]) };
const x = constant(wave(10, 4), [5, inputs]);
const y = constant([0, 2, 1, 1, 0], [5], "int32");
const rate = 0.1;

const meanLoss = (p: ParameterTensors) => mean(model.losses(model.forward(p, x, {}), y));

const listed = (tensors: ParameterTensors) =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, Array.from(evaluate(tensor).data)]));

describe("a client of fedloge", () => {
  const settings = { momentum: 0, nesterov: false, weightDecay: 0 };
  const { client } = fedloge({ classifierSteps: 0 });
  const local = {
    ...{
      model: whole,
      broadcast: { parameters, classifier },
      state: { head, counts: { counts: constant([0, 0, 0], [3]) } },
    },
    ...{ sent: {}, learningRate: constant(rate) },
    gradient(p: ParameterTensors) {
      const { value, gradients: slopes } = valueAndGrad(meanLoss, p);
      return { loss: value, gradients: slopes };
    },
  } as unknown as LocalStep;

  it("steps along the gradients of three losses, each by its own parameters", () => {
    const carry = client.step(client.begin(local, settings), local, settings).carry as Record<string, ParameterTensors>;
    const own = { parameters, head };
    const of = (tensors: ParameterTensors) => ({
      weight: transpose(tensors["dense2.weight"]!, [1, 0]),
      bias: tensors["dense2.bias"]!,
    });
    const features = relu(add(matmul(x, parameters["dense1.weight"]!), parameters["dense1.bias"]!));
    const losses = detachedHeadLosses(features, y, { fixed: of(classifier), shared: of(parameters), own: of(head) });
    const slopes = gradients(add(losses.features, add(losses.shared, losses.own)), own);
    for (const part of ["parameters", "head"] as const) {
      const [before, slope, after] = [own[part], slopes[part], carry[part]!].map((tensors) =>
        listed(tensors as ParameterTensors),
      );
      for (const [name, values] of Object.entries(before!)) {
        for (const [k, value] of values.entries())
          expect(after![name]![k]).toBeCloseTo(value - rate * slope![name]![k]!, 12);
      }
    }
  });
});

describe("the fixed classifier of fedloge", () => {
  it("has columns as far apart as they can be, or a part of their entries", () => {
    const frame = sparseClassifier(12, 4, { sparsity: 0, radius: 1, steps: 0, learningRate: 0 }, rootKey(3));
    const cosine = (a: number, b: number) =>
      Array.from({ length: 12 }, (_, row) => frame[row * 4 + a]! * frame[row * 4 + b]!).reduce((sum, z) => sum + z, 0);
    for (const [a, b, expected] of [
      [0, 0, 1],
      [0, 1, -1 / 3],
      [2, 3, -1 / 3],
    ] as const)
      expect(cosine(a, b)).toBeCloseTo(expected, 12);
    const fit = { sparsity: 0.5, radius: 2, steps: 2000, learningRate: 0.01 };
    const sparse = sparseClassifier(12, 4, fit, rootKey(3));
    expect(sparse.filter((value) => value === 0).length).toBe(24);
    for (let c = 0; c < 4; c++) {
      const length = Math.hypot(...Array.from({ length: 12 }, (_, row) => sparse[row * 4 + c]!));
      expect(length).toBeCloseTo(2, 2);
    }
  });

  it("is fitted along the gradient of its objective", () => {
    const [entries, support] = [wave(12, 1), wave(12, 5).map((value) => (value > -0.5 ? 1 : 0))];
    const kept = entries.map((value, k) => value * support[k]!);
    const V = constant(kept, [4, 3]);
    const slopes = gradients(classifierObjective(V, constant(support, [4, 3]), 0.7), { V }).V;
    const ours = objectiveSlopes(kept, support, 3, 0.7);
    for (const [k, value] of evaluate(slopes).data.entries()) expect(ours[k]!).toBeCloseTo(value, 12);
  });
});

describe("models of fedloge in use", () => {
  const named = (p: ParameterTensors) => Float64Array.from(whole.entries.flatMap(({ name }) => listed(p)[name]!));
  const global = named(parameters);

  it("have a global head with rows of one length, unless it is to stay as it is trained", () => {
    const served = fedloge({ globalScale: 3 }).served!(global, whole);
    const entry = whole.entries.find(({ name }) => name === "dense2.weight")!;
    const weight = served.subarray(entry.offset, entry.offset + entry.size);
    for (let c = 0; c < classes; c++)
      expect(Math.hypot(...weight.filter((_, k) => k % classes === c))).toBeCloseTo(3, 12);
    const others = (vector: ArrayLike<number>) =>
      Array.from(vector).filter((_, k) => k < entry.offset || k >= entry.offset + entry.size);
    expect(others(served)).toEqual(others(global));
    expect(fedloge({ globalScale: 0 }).served!(global, whole)).toEqual(global);
  });

  it("add a client's head to the global one by the lengths of its rows, for classes that it trained on", () => {
    const own = Float64Array.from([...listed(head)["dense2.bias"]!, ...listed(head)["dense2.weight"]!]);
    const counts = Float64Array.of(3, 0, 2);
    const personal = fedloge().ownModel!(global, { head: own, counts }, whole)!;
    const at = ({
      name,
      offset,
      size,
      shape,
    }: (typeof whole.entries)[number]): [string, ReturnType<typeof constant>] => [
      name,
      constant(Array.from(personal.subarray(offset, offset + size)), shape),
    ];
    const ours = evaluate(model.forward(Object.fromEntries(whole.entries.map(at)), x, {})).data;
    const features = relu(add(matmul(x, parameters["dense1.weight"]!), parameters["dense1.bias"]!));
    const of = (p: ParameterTensors) => ({ weight: transpose(p["dense2.weight"]!, [1, 0]), bias: p["dense2.bias"]! });
    const theirs = evaluate(realignedLogits(features, of(head), of(parameters), Array.from(counts))).data;
    theirs.forEach((logit, k) => {
      if (logit === Number.NEGATIVE_INFINITY) expect(ours[k]!).toBeLessThan(-1e8);
      else expect(ours[k]!).toBeCloseTo(logit, 10);
    });
    expect(fedloge().ownModel!(global, undefined, whole)).toBeUndefined();
  });
});

describe("runs of fedloge", () => {
  const run = (more: object = {}, options: object = {}) =>
    smallSimulation(
      { name: "fedloge", classifierSteps: 10, ...options },
      {
        model: { name: "mlp", hidden: [4] },
        data: { clients: 4, holdout: 0.25, partition: { scheme: "iid" } },
        ...more,
      },
    );

  it("evaluate and save the realigned model, and train on with the other", async () => {
    const results = await Promise.all([0, 1.7].map((globalScale) => simulateSmall(run({}, { globalScale }).prepared)));
    const { layout: model } = run().prepared.plan;
    const expected = fedloge().served!(results[0]!.parameters, model);
    expect(results[1]!.parameters).toEqual(expected);
    expect(results[1]!.parameters).not.toEqual(results[0]!.parameters);
  });

  it.each([
    [{ model: { name: "mlp", hidden: [2] } }, "method/features", "2 features"],
    [{ model: { name: "mlp", hidden: [4] }, parameters: { personal: "head" } }, "method/head", "without a shared head"],
    [{ privacy: { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1 } }, "config/conflict", "clients keep head"],
    [{ secureAggregation: { protocol: "plain" } }, "config/conflict", "clients keep head"],
  ])("refuse %j", (more, code, part) => {
    let caught: unknown;
    try {
      run(more);
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({ code });
    expect(String(caught)).toContain(part);
  });
});
