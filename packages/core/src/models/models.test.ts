import { type Dim, input, nn, type Tensor } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { layout } from "../params/layout.ts";
import { createModel, lenet5, type Model, models, quadratic, resnet10, resnet18 } from "./index.ts";
import { onGraph } from "./on-graph.ts";

/** Placeholders of a model's parameters and of a batch. */
function placeholders(model: Model, batch: Dim) {
  const parameters: Record<string, Tensor> = Object.fromEntries(
    model.parameters.map((p) => [p.name, input(p.name, { dtype: "float", shape: p.shape })]),
  );
  const features = input("x", { dtype: model.features.dtype, shape: [batch, ...model.features.shape] });
  const labels = input("y", { dtype: model.labels.dtype, shape: [batch, ...model.labels.shape] });
  return { parameters, features, labels };
}

describe("numbers of parameters", () => {
  const counts: [name: string, model: Model, parameters: number][] = [
    ["mlp 784-200-10", models.mlp(), 784 * 200 + 200 + 200 * 10 + 10],
    ["logistic", models.logistic(), 7850],
    ["cnn-28x28", models["cnn-28x28"](), 1_663_370],
    ["cnn-cifar", models["cnn-cifar"](), 1_626_442],
    ["lenet5, 10 classes", lenet5(), 797_962],
    ["lenet5, 100 classes", lenet5({ classes: 100 }), 815_332],
    ["resnet8", models.resnet8(), 78_042],
    [
      "gcn 1433-128-128-7, as FED-PUB has it on Cora",
      models.gcn({ input: [1433], classes: 7 }),
      1434 * 128 + 129 * 128 + 129 * 7,
    ],
    ["resnet10, 10 classes", resnet10(), 4_903_242],
    ["resnet10, 100 classes", resnet10({ classes: 100 }), 4_949_412],
    ["resnet18, 10 classes", resnet18(), 11_173_962],
    ["resnet18, 100 classes", resnet18({ classes: 100 }), 11_220_132],
    // four numbers for each normalized channel, or the two running statistics more than groups have
    ["mlp with batch normalization", models.mlp({ norm: "batch" }), 159_010 + 4 * 200],
    ["cnn-28x28 with batch normalization", models["cnn-28x28"]({ norm: "batch" }), 1_663_370 + 4 * 96],
    ["cnn-cifar with batch normalization", models["cnn-cifar"]({ norm: "batch" }), 1_626_442 + 4 * 96],
    ["resnet8 with batch normalization", models.resnet8({ norm: "batch" }), 78_042 + 2 * 336],
    ["resnet18 with batch normalization", resnet18({ norm: "batch" }), 11_173_962 + 2 * 4800],
  ];
  it.each(counts)("%s", (_name, model, parameters) => {
    expect(nn.countParameters(model.parameters)).toBe(parameters);
  });

  it("lenet5 by layer, and the numbers of tensors of the residual networks", () => {
    const byBlock: Record<string, number> = {};
    for (const p of lenet5({ classes: 100 }).parameters) {
      byBlock[p.block] = (byBlock[p.block] ?? 0) + nn.countParameters([p]);
    }
    expect(byBlock).toEqual({ conv1: 4864, conv2: 102_464, fc1: 614_784, fc2: 73_920, fc3: 19_300 });
    expect(resnet10().parameters).toHaveLength(38);
    expect(resnet18().parameters).toHaveLength(62);
  });
});

/** A model of nodes on a graph of nodes without neighbours. */
function placed(model: Model): Model {
  if (model.graph === undefined) return model;
  const { features } = model.graph;
  const [x, from, to, weights] = [[7, features], [7], [7], [7]].map((shape, i) =>
    input(`graph${i}`, { dtype: i === 0 || i === 3 ? "float" : "int32", shape }),
  );
  return onGraph(model, { features: x!, from: from!, to: to!, weights: weights! });
}

describe.each(Object.entries(models))("%s", (_name, create) => {
  const model = placed(create());

  it.each(["N", 3] as const)("has one loss and one score an example for batch %s", (batch) => {
    const { parameters, features, labels } = placeholders(model, batch);
    const outputs = model.forward(parameters, features);
    expect(outputs.shape[0]).toBe(batch);
    for (const perExample of [model.losses(outputs, labels), model.scores(outputs, labels)]) {
      expect(perExample).toMatchObject({ dtype: "float", shape: [batch] });
    }
  });

  it("has unique names and one head block", () => {
    const names = model.parameters.map((p) => p.name);
    expect(new Set(names).size).toBe(names.length);
    const heads = new Set(model.parameters.filter((p) => p.role === "head").map((p) => p.block));
    expect(heads.size).toBe(model.name === "quadratic" ? 0 : 1);
  });
});

describe("quadratic", () => {
  const blocked = (blocks: number[][]) => quadratic({ input: [22], blocks });

  it("with blocks has a parameter for each coordinate, the flat vector in order and the layers in the order given", () => {
    const { entries, blocks } = layout(blocked([[10, 1], [0]]).parameters);
    expect(entries.map(({ name }) => name)).toEqual(
      ["00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10"].map((j) => `x${j}`),
    );
    expect(blocks).toEqual(["block0", "block1", "head"]);
    expect(entries.filter(({ role }) => role === "head").map(({ offset }) => offset)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it.each([[[[0], [0, 1]]], [[[11]]]])("refuses blocks that do not divide the coordinates: %j", (blocks) => {
    expect(() => blocked(blocks)).toThrow(expect.objectContaining({ code: "model/blocks" }));
  });
});

describe("createModel", () => {
  const data = {
    features: { dtype: "uint8", shape: [8000, 1, 28, 28] },
    labels: { dtype: "uint8", shape: [8000] },
    classes: 7,
  } as const;

  it("takes shapes and classes from the data and lets options override", () => {
    const model = createModel("mlp", data, { hidden: [32, 16] });
    expect(model.parameters.map((p) => p.shape)).toEqual([[784, 32], [32], [32, 16], [16], [16, 7], [7]]);
    expect(createModel("cnn-28x28", { ...data, features: { dtype: "uint8", shape: [5, 28, 28] } }).classes).toBe(7);
  });

  it("refuses unknown models, unknown options and data that do not fit", () => {
    expect(() => createModel("perceptron", data)).toThrow(/unknown model.*mlp/);
    expect(() => createModel("mlp", data, { width: 3 })).toThrow(/width/);
    expect(() => createModel("resnet8", { ...data, features: { dtype: "float", shape: [10, 20] } })).toThrow(
      /takes images/,
    );
    expect(() => createModel("vit", { ...data, features: { dtype: "uint8", shape: [1, 3, 30, 30] } })).toThrow(/patch/);
    expect(() => createModel("char-transformer", data)).toThrow(/sequences of indices/);
    const scaled = createModel("cnn-28x28", data, { mean: [0.1, 0.2, 0.3] });
    const { parameters, features } = placeholders(scaled, "N");
    expect(() => scaled.forward(parameters, features)).toThrow(/do not fit the channels/);
  });
});
