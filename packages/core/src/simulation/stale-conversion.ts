/**
 * Converts an update that was trained on an old model into the one that its client would send from the present model: finds
 * examples whose training on the old model gives the stale update, and trains the present model on them.
 *
 * Citation: H. Wang, W. Gao, "Tackling Intertwined Data and Device Heterogeneities in Federated Learning with Unlimited
 * Staleness", 2023, arXiv:2309.13536.
 *
 * The examples (X, Y) minimise |LocalUpdate(w0; X, Y) - D|_1 by Adam, with the sign of the gradient on X, from N(0, 1), and
 * rates that fall at 3/8, 5/8 and 7/8 of the iterations. Labels are known, or soft: softmax(Y). Differences: several starts,
 * of which the best counts; softmax cross-entropy where the released code has a binary one.
 * Limits: local training is unrolled in the graph, so this is for small models and few steps. It does not know the data of
 * the client, but it reconstructs something like them, and so is not private.
 */
import {
  abs,
  add,
  compileProgram,
  type Executor,
  gradients,
  logSoftmax,
  mean,
  mul,
  neg,
  softmax,
  sub,
  sum,
  type Tensor,
  type TensorTree,
  trace,
} from "@anabranch/engine";
import type { ParameterTensors } from "../algorithms/algorithm.ts";
import { combine } from "../algorithms/parameter-tensors.ts";
import { parameterInputs, vectorOutputs } from "../client/vectors.ts";
import type { Model } from "../models/model.ts";
import { entryTypes, type Layout, layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import { drawExamples, ExampleSearch, type Examples, exampleInputs } from "./example-search.ts";

/** How the stale update was trained, on all of the client's examples in every step. */
export interface StaleTraining {
  readonly learningRate: number;
  /** Default 1. */
  readonly localSteps?: number;
  /** Number of examples to look for. */
  readonly examples: number;
  /** Their classes where they are known, [examples]. */
  readonly labels?: readonly number[];
}

export interface ConversionSettings {
  /** Of one start. */
  readonly iterations: number;
  /** Most starts; no other one follows where the examples match. */
  readonly starts: number;
  /** First learning rate of Adam. */
  readonly rate: number;
  readonly seed: number;
}

const USUAL: ConversionSettings = { iterations: 1000, starts: 16, rate: 0.3, seed: 0 };
/** Share of |D|_1 below which no other start is tried. */
const CLOSE = 1e-3;
/** Shares of the iterations after which the rate is a tenth. */
const DECAYS = [3 / 8, 5 / 8, 7 / 8];

/** What the conversion comes to. */
export interface Conversion {
  /** The update from the present model, [d]. */
  readonly update: Vector;
  /** |LocalUpdate(w0; X, Y) - D|_1 of the examples that were found: large where the conversion is not to be trusted. */
  readonly error: number;
}

/**
 * The update [d] that the client would send from `current`, as far as its stale update shows. The model's features are floats.
 *
 * @param stale the update [d] that was trained on `base`
 *
 * @example
 * ```ts
 * import { convertStaleUpdate, logistic } from "@anabranch/core";
 * import { interpreter } from "@anabranch/engine";
 * const model = logistic({ input: [1], inputType: "float", classes: 2 });
 * const [base, current] = [new Float64Array(4), Float64Array.of(0, 0, 1, -1)];
 * const stale = Float64Array.of(0.05, -0.05, 0.1, -0.1);
 * const training = { learningRate: 0.1, examples: 1, labels: [0] };
 * const settings = { iterations: 40, starts: 1 };
 * const { update } = await convertStaleUpdate(model, { base, current, stale }, training, interpreter(), settings);
 * update[0]! < stale[0]!; // => true
 * ```
 */
export async function convertStaleUpdate(
  model: Model,
  { base, current, stale }: { readonly base: Vector; readonly current: Vector; readonly stale: Vector },
  training: StaleTraining,
  executor: Executor,
  settings: Partial<ConversionSettings> = {},
): Promise<Conversion> {
  const { iterations, starts, rate, seed } = { ...USUAL, ...settings };
  const parameters = layout(model.parameters);
  const { match, train } = programs(model, parameters, training);
  const inputs = (examples: Examples) => exampleInputs(model, training.examples, examples);
  const matching = await executor.load(match);
  const target = {
    ...parameterInputs("parameters", base, parameters),
    ...parameterInputs("target", stale, parameters),
  };
  let best: { readonly examples: Examples; readonly error: number } | undefined;
  const close = CLOSE * Array.from(stale, Math.abs).reduce((total, size) => total + size, 0);
  for (let start = 0; start < starts && (best === undefined || best.error > close); start++) {
    const search = new ExampleSearch(drawExamples(model, training, deriveKey(rootKey(seed), "conversion", start)));
    for (let iteration = 0; iteration < iterations; iteration++) {
      const outputs = await matching.run({ ...target, ...inputs(search.examples) });
      const error = outputs["error"]!.data[0]!;
      if (best === undefined || error < best.error) best = { examples: search.copy(), error };
      const decays = DECAYS.filter((share) => iteration >= share * iterations).length;
      search.step(outputs["x"]!.data, outputs["y"]?.data, rate * 10 ** -decays);
    }
  }
  await matching.release();
  const retraining = await executor.load(train);
  const present = parameterInputs("parameters", current, parameters);
  const outputs = await retraining.run({ ...present, ...inputs(best!.examples) });
  await retraining.release();
  const { update } = vectorOutputs(outputs, "result", { update: parameters }, (_name, length) =>
    executor.float === "float64" ? new Float64Array(length) : new Float32Array(length),
  );
  return { update: update!, error: best!.error };
}

interface ProgramInputs {
  readonly parameters: ParameterTensors;
  readonly target?: ParameterTensors;
  readonly x: Tensor;
  readonly y: Tensor;
}

/** `match`: how far the examples are from the target, with gradients; `train`: the update that they give. */
function programs(model: Model, parameters: Layout, training: StaleTraining) {
  const { learningRate, localSteps = 1, examples, labels } = training;
  const soft = labels === undefined;
  const localUpdate = (start: ParameterTensors, x: Tensor, y: Tensor): ParameterTensors => {
    const classes = soft ? softmax(y) : y;
    let now = start;
    for (let step = 0; step < localSteps; step++) {
      const perExample = sum(mul(classes, logSoftmax(model.forward(now, x))), [1]);
      const slopes = gradients(neg(mean(perExample)), now);
      now = combine((w, g) => sub(w, mul(g, learningRate)), now, slopes);
    }
    return combine((after, before) => sub(after, before), now, start);
  };
  const types = {
    parameters: entryTypes(parameters),
    x: { dtype: "float", shape: [examples, ...model.features.shape] },
    y: { dtype: "float", shape: [examples, model.classes] },
  } as const;
  const match = trace(
    (inputs) => {
      const { parameters: start, target, x, y } = inputs as unknown as Required<ProgramInputs>;
      const distance = combine((own, stale) => sum(abs(sub(own, stale))), localUpdate(start, x, y), target);
      const error = Object.values(distance).reduce((total, part) => add(total, part));
      return { error, ...(soft ? gradients(error, { x, y }) : gradients(error, { x })) };
    },
    { ...types, target: entryTypes(parameters) },
  );
  const train = trace((inputs) => {
    const { parameters: start, x, y } = inputs as unknown as ProgramInputs;
    return { result: { update: localUpdate(start, x, y) as TensorTree } };
  }, types);
  return { match: compileProgram("match", match), train: compileProgram("train", train) };
}
