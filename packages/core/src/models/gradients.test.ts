import { type HostTensor, mul, type nn, type Tensor } from "@anabranch/engine";
import { checkExecutor, checkGradients, formatTally, host, sample } from "@anabranch/engine/testing";
import { afterAll, describe, it } from "vitest";
import { type Model, models, withShards } from "./index.ts";

afterAll(() => console.log(formatTally()));

const spread = (count: number, below: number) =>
  Array.from({ length: count }, (_, i) => (i * 37 + ((i * i) % 11)) % below);

/** Features of models with tokens are below the number of those; a grey level may be, too. */
const belowOf: Record<string, (model: Model) => number> = {
  "char-transformer": ({ classes }) => classes,
  vilt: () => WORDS,
};

const WORDS = 5;

/** Values for every parameter, a batch of raw examples and dropout bits, by name. */
function tinyInputs(model: Model, batch: number): Record<string, HostTensor> {
  const batchOf = (type: Model["features"] | Model["labels"], below: number): HostTensor => {
    const shape = [batch, ...type.shape];
    const count = shape.reduce((a, b) => a * b, 1);
    return type.dtype === "float" ? sample(shape) : host(type.dtype, shape, spread(count, below));
  };
  const value = (p: nn.ParameterSpec, i: number): HostTensor =>
    sample(p.shape, { seed: i + 2, scale: 1.2 / Math.sqrt(p.shape.length > 1 ? p.shape[p.shape.length - 1]! : 1) });
  return {
    ...Object.fromEntries(model.parameters.map((p, i) => [p.name, value(p, i)])),
    ...Object.fromEntries(
      model.masks.map((m) => {
        const bytes = Math.ceil(m.shape.reduce((a, b) => a * b, 1) / 8);
        return [`mask ${m.name}`, host("uint8", [batch, bytes], spread(batch * bytes, 256))];
      }),
    ),
    features: batchOf(model.features, belowOf[model.name]?.(model) ?? 256),
    labels: batchOf(model.labels, model.classes),
    weights: host("float", [batch], new Array<number>(batch).fill(1 / batch)),
  };
}

/** Weighted losses [N] of a batch in training mode. */
function trainingLosses(model: Model) {
  return (i: Record<string, Tensor>): Tensor => {
    const masks = Object.fromEntries(model.masks.map((m) => [m.name, i[`mask ${m.name}`]!]));
    const batch = { weights: i["weights"]!, report: () => {} };
    const outputs = model.forward(i, i["features"]!, { masks, batch });
    return mul(model.losses(outputs, i["labels"]!), i["weights"]!);
  };
}

/** Wide models are checked on one example and by some of their parameters only. */
const tiny: { model: Model; variables?: string[]; second?: boolean }[] = [
  { model: models.mlp({ input: [1, 3, 3], hidden: [5, 4], classes: 3 }) },
  { model: models.mlp({ input: [4], inputType: "float", hidden: [3], norm: "batch", activation: "tanh", classes: 3 }) },
  { model: models.logistic({ input: [5], inputType: "float", classes: 3 }) },
  { model: models.quadratic({ input: [6] }) },
  {
    model: models["cnn-cifar"]({
      input: [2, 8, 8],
      channels: [3, 4],
      hidden: 5,
      classes: 3,
      mean: [0.4, 0.5],
      std: [0.2, 0.3],
    }),
  },
  {
    model: models["cnn-28x28"]({ input: [4, 4], hidden: 3, classes: 3 }),
    variables: ["conv1.weight", "conv2.bias", "dense1.weight", "dense2.bias"],
  },
  { model: models.lenet5({ input: [1, 16, 16], classes: 3 }), variables: ["conv1.bias"], second: false },
  {
    model: models.resnet8({ input: [1, 4, 4], classes: 3 }),
    variables: ["stem.conv.weight", "stage2.0.shortcut.conv.weight", "stage3.0.second.norm.gamma"],
  },
  { model: models.vit({ input: [1, 4, 4], patch: 2, width: 4, depth: 1, heads: 2, classes: 3, dropout: 0.25 }) },
  {
    model: withShards(models.mlp({ input: [4], inputType: "float", hidden: [4, 4], activation: "tanh", classes: 3 }), {
      ...{ rank: 3, pool: 2, pieces: 2 },
    }),
  },
  {
    model: withShards(models["cnn-28x28"]({ input: [4, 4], hidden: 3, classes: 3 }), { rank: 2, pool: 1, pieces: 5 }),
    variables: ["shards.a25", "shards.a800", "shards.b32"],
  },
  {
    model: models.vilt({
      ...{ input: [18], image: [1, 4, 4], words: 2, vocabulary: WORDS },
      ...{ patch: 2, width: 4, depth: 1, heads: 2, classes: 3, dropout: 0.25 },
    }),
  },
  {
    model: models["char-transformer"]({ input: [3], classes: 4, width: 4, depth: 1, heads: 2, dropout: 0.5 }),
  },
];

describe("tiny models", () => {
  it.each(tiny)("$model.name: derivatives", ({ model, variables, second = true }) => {
    // a small step keeps the difference quotients on one side of the kinks of relu and max-pool
    const inputs = tinyInputs(model, variables ? 1 : 2);
    checkGradients(model.name, trainingLosses(model), inputs, { step: 1e-5, second, ...(variables && { variables }) });
  });

  it.each(tiny)("$model.name: executor and interpreter agree", async ({ model }) => {
    const inputs = tinyInputs(model, 3);
    const symbolic = Object.keys(inputs).filter(
      (k) => ["features", "labels", "weights"].includes(k) || k.startsWith("mask "),
    );
    const shapes = Object.fromEntries(symbolic.map((k) => [k, ["N", ...inputs[k]!.shape.slice(1)]]));
    await checkExecutor(model.name, trainingLosses(model), inputs, { shapes });
    const scores = (i: Record<string, Tensor>) => model.scores(model.forward(i, i["features"]!), i["labels"]!);
    await checkExecutor(`${model.name} scores`, scores, inputs, { shapes, gradients: false });
  });
});
