import {
  compileProgram,
  disableTelemetry,
  gather,
  mean,
  onnxruntimeNode,
  scan,
  sgd,
  type Tensor,
  type Traced,
  takeStep,
  trace,
  valueAndGrad,
} from "@anabranch/engine";
import { InferenceSession, Tensor as OnnxTensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { initialParameters } from "../params/initialize.ts";
import { entryView, layout } from "../params/layout.ts";
import { rootKey } from "../random/index.ts";
import { promptedTransformer } from "./char-transformer.ts";
import { charTransformer, cnnCifar, exportOnnx, type Model, mlp, resnet8, vilt, vit } from "./index.ts";
import { promptedVilt } from "./vilt.ts";
import { promptedVit } from "./vit.ts";

function initialValues(model: Model): Record<string, Float32Array> {
  const flat = initialParameters(model.parameters, rootKey(7));
  return Object.fromEntries(layout(model.parameters).entries.map((e) => [e.name, entryView(flat, e)]));
}

disableTelemetry(); // sessions are also made without the engine here

describe("training on onnxruntime-node", () => {
  it("an MLP learns which half of an image is bright, 60 steps in one run", async () => {
    const [examples, steps, batch] = [64, 60, 16];
    const model = mlp({ input: [1, 4, 4], hidden: [12], classes: 2 });
    const types = {
      parameters: Object.fromEntries(
        model.parameters.map((p) => [p.name, { dtype: "float", shape: p.shape } as const]),
      ),
      features: { dtype: "uint8", shape: ["n", 1, 4, 4] },
      labels: { dtype: "uint8", shape: ["n"] },
      rows: { dtype: "int32", shape: ["K", batch] },
    } as const;
    const graph = trace(({ parameters, features, labels, rows }: Traced<typeof types>) => {
      const initial: Record<string, Tensor> = parameters;
      const { carry, outputs } = scan(
        (p: Record<string, Tensor>, slice: { rows: Tensor }) => {
          const loss = (q: Record<string, Tensor>) =>
            mean(model.losses(model.forward(q, gather(features, slice.rows)), gather(labels, slice.rows)));
          const { value, gradients } = valueAndGrad(loss, p);
          return {
            carry: takeStep(sgd(), gradients, sgd().init(p), p, { learningRate: 0.1 }).parameters,
            output: { loss: value },
          };
        },
        initial,
        { rows },
      );
      return { losses: outputs.loss, accuracy: mean(model.scores(model.forward(carry, features), labels)) };
    }, types);
    const labels = Uint8Array.from({ length: examples }, (_, i) => i % 2);
    const features = Uint8Array.from({ length: examples * 16 }, (_, j) => {
      const bright = labels[j >> 4] === ((j >> 3) & 1);
      return (bright ? 140 : 60) + ((j * 53) % 60);
    });
    const executable = await (await onnxruntimeNode()).load(compileProgram("training", graph));
    const result = await executable.run({
      features: { dtype: "uint8", shape: [examples, 1, 4, 4], data: features },
      labels: { dtype: "uint8", shape: [examples], data: labels },
      rows: {
        dtype: "int32",
        shape: [steps, batch],
        data: Int32Array.from({ length: steps * batch }, (_, i) => (i * 13) % examples),
      },
      ...Object.fromEntries(
        model.parameters.map((p) => [
          `parameters/${p.name}`,
          { dtype: "float", shape: p.shape, data: initialValues(model)[p.name]! } as const,
        ]),
      ),
    });
    await executable.release();
    const { data: losses } = result["losses"]!;
    expect(losses).toHaveLength(steps);
    expect(losses[steps - 1]!).toBeLessThan(0.1 * losses[0]!);
    expect(result["accuracy"]!.data[0]).toBe(1);
  });
});

const imageAndWords = { input: [18], image: [1, 4, 4], words: 2, patch: 2, depth: 1, classes: 10 };

describe("exportOnnx", () => {
  it.each([
    { model: mlp({ hidden: [16] }) },
    { model: mlp({ hidden: [16], norm: "batch" }) },
    { model: cnnCifar({ input: [3, 10, 10], channels: [4, 8], hidden: 16 }) },
    { model: resnet8({ input: [3, 8, 8] }) },
    { model: resnet8({ input: [3, 8, 8], norm: "batch" }) },
    { model: vit({ input: [8, 8], depth: 1 }) },
    { model: vilt(imageAndWords) },
    { model: promptedVilt(imageAndWords, 3) },
    { model: charTransformer({ input: [6], classes: 10, depth: 1 }) },
    { model: promptedVit({ input: [8, 8], depth: 1 }, 3) },
    { model: promptedTransformer({ input: [6], classes: 10, depth: 1 }, 3) },
  ])("$model.name gives the logits of the traced model at any batch size", async ({ model }) => {
    const values = initialValues(model);
    const session = await InferenceSession.create(exportOnnx(model, values));
    expect(session.inputNames).toEqual(["features"]);
    expect(session.outputNames).toEqual(["logits"]);
    const types = {
      parameters: Object.fromEntries(
        model.parameters.map((p) => [p.name, { dtype: "float", shape: p.shape } as const]),
      ),
      features: { dtype: model.features.dtype, shape: ["N", ...model.features.shape] },
    } as const;
    const traced = trace(
      ({ parameters, features }: Traced<typeof types>) => ({ logits: model.forward(parameters, features) }),
      types,
    );
    const executable = await (await onnxruntimeNode()).load(compileProgram("forward", traced));
    for (const n of [1, 5]) {
      const shape = [n, ...model.features.shape];
      const size = shape.reduce((a, b) => a * b, 1);
      const features = Uint8Array.from(
        { length: size },
        (_, i) => (i * 91) % (model.features.shape.length > 1 ? 256 : 10),
      );
      const parameters = model.parameters.map((p) => [
        `parameters/${p.name}`,
        { dtype: "float", shape: p.shape, data: values[p.name]! } as const,
      ]);
      const expected = await executable.run({
        features: { dtype: "uint8", shape, data: features },
        ...Object.fromEntries(parameters),
      });
      const { logits } = await session.run({ features: new OnnxTensor("uint8", features, shape) });
      expect(logits!.dims).toEqual([n, ...model.labels.shape, 10]);
      const close = Array.from(expected["logits"]!.data, (v) => expect.closeTo(v, 5));
      expect(Array.from(logits!.data as Float32Array)).toEqual(close);
    }
    await executable.release();
    await session.release();
  });

  it("refuses missing and misshapen values", () => {
    const model = mlp({ hidden: [4] });
    const values = initialValues(model);
    expect(() => exportOnnx(model, { ...values, "dense1.bias": new Float32Array(3) })).toThrow(
      /dense1.bias.*3 numbers/,
    );
    expect(() => exportOnnx(model, {})).toThrow(/received nothing/);
  });
});
