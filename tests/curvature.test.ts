import {
  type ClientData,
  compileLocalTask,
  initialParameters,
  layout,
  type Model,
  models,
  rootKey,
  runClient,
  TASK_KEYS,
  type TaskSpec,
  taskKeys,
} from "@anabranch/core";
import { type Executor, interpreter, loadProgram, onnxruntimeNode } from "@anabranch/engine";
import { host, sample } from "@anabranch/engine/testing";
import { describe, expect, it } from "vitest";
import { sophiaSteps } from "./fixtures/sophia-steps.ts";

const convolution = models["cnn-cifar"]({
  input: [2, 8, 8],
  inputType: "float",
  channels: [3, 4],
  hidden: 5,
  classes: 3,
});
const transformer = models["char-transformer"]({
  input: [4],
  inputType: "int32",
  labelType: "int32",
  classes: 5,
  width: 8,
  depth: 1,
  heads: 2,
  dropout: 0.25,
});

const below = (bound: number, shape: number[], dtype: "int32" | "uint8") => {
  const size = shape.reduce((a, b) => a * b, 1);
  return host(
    dtype,
    shape,
    Array.from({ length: size }, (_, i) => (7 * i + ((i * i) % 5)) % bound),
  );
};
const cases: { model: Model; data: ClientData }[] = [
  { model: convolution, data: { features: sample([5, 2, 8, 8]), labels: below(3, [5], "uint8") } },
  { model: transformer, data: { features: below(5, [5, 4], "int32"), labels: below(5, [5, 4], "int32") } },
];

/** The update of five local steps on batches of three, the second of each pass with one row of padding. */
async function trained(estimate: "signs" | "uniform", model: Model, data: ClientData, executor: Executor) {
  const algorithm = sophiaSteps(estimate);
  const modelLayout = layout(model.parameters);
  const payloads = algorithm.payloads(modelLayout);
  const { float } = executor;
  const training = { batchSize: 3, gradientClip: 1, momentum: 0, nesterov: false, weightDecay: 0 };
  const plan: TaskSpec = {
    program: compileLocalTask(algorithm, model, payloads, training).program,
    float,
    batchSize: 3,
    budget: { localSteps: 5 },
    masks: model.masks,
    draws: algorithm.client.draws!,
    broadcast: payloads.broadcast,
    upload: { delta: modelLayout },
    codecs: {},
    clientState: {},
    layoutHash: modelLayout.hash,
    stages: { weighting: "uniform", clipNorm: 0 },
  };
  const initial = initialParameters(model.parameters, rootKey(4));
  const executable = await loadProgram(executor, plan.program);
  const features =
    data.features.dtype === "float" && float === "float32"
      ? { ...data.features, data: Float32Array.from(data.features.data) }
      : data.features;
  const { update } = await runClient(plan, executable, {
    client: 1,
    keys: taskKeys(rootKey(2), TASK_KEYS, 1)(1, 0),
    learningRate: 0.01,
    broadcast: {
      round: 1,
      scalars: {},
      vectors: { parameters: float === "float32" ? Float32Array.from(initial) : Float64Array.from(initial) },
    },
    state: undefined,
    data: { ...data, features },
  });
  await executable.release();
  return update.vectors["delta"]!;
}

describe.each(["signs", "uniform"] as const)("local steps with the curvature by %s", (estimate) => {
  it.each(cases)("agree between onnxruntime-node and the interpreter for $model.name", async ({ model, data }) => {
    const exact = await trained(estimate, model, data, interpreter());
    const native = await trained(estimate, model, data, await onnxruntimeNode());
    const largest = Math.max(...exact.map(Math.abs));
    expect(largest).toBeGreaterThan(0.01);
    expect(Math.max(...exact.map((v, i) => Math.abs(v - native[i]!)))).toBeLessThan(2e-3 * largest);
  });
});
