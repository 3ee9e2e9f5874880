import {
  adam,
  compileProgram,
  cond,
  constant,
  type Executable,
  type Executor,
  gather,
  greater,
  type HostTensors,
  less,
  mean,
  mul,
  type OptimizerState,
  type Program,
  scan,
  sum,
  type Tensor,
  takeStep,
  trace,
  valueAndGrad,
  where,
} from "@anabranch/engine";
import { combine } from "../algorithms/parameter-tensors.ts";
import type { PublicTask, PublicTrainer, PublicTrainingSettings, Trained } from "../algorithms/public-training.ts";
import { planBatches } from "../client/batches.ts";
import { dataTypes } from "../client/task-types.ts";
import { parameterInputs, vectorInputs, vectorOutputs } from "../client/vectors.ts";
import type { ModelParameters } from "../models/model.ts";
import { entryTypes, type Layout } from "../params/layout.ts";
import { type Vector, zerosLike } from "../params/vector.ts";
import { deriveKey, permutation, type RandomKey, randomStream, rootKey } from "../random/index.ts";
import type { PublicTrainingParts } from "./public-examples.ts";

/** A trainer that holds programs. */
export interface OpenTrainer {
  readonly trainer: PublicTrainer;
  close(): Promise<void>;
}

type Given = Readonly<Record<string, ModelParameters>>;

interface Inputs {
  readonly trained: ModelParameters;
  readonly given: Given;
  readonly data: { readonly features: Tensor; readonly labels: Tensor };
  readonly held?: Tensor;
  readonly rate: Tensor;
  readonly steps: { readonly indices: Tensor; readonly weights: Tensor; readonly ends: Tensor };
}

type Best = { readonly best: ModelParameters; readonly least: Tensor };
type Carry = Best & { readonly values: ModelParameters; readonly state: OptimizerState };

/** Above any loss of a model that has not diverged. */
const NO_LOSS = 1e30;

/**
 * Opens what trains on the labelled public examples of a run, on this thread; undefined where the method does not. Programs are
 * compiled when they are first needed.
 *
 * @example
 * ```ts
 * import { openPublicTrainer, prepareRun, resolveConfig, rootKey, syntheticDataset } from "@anabranch/core";
 * import { interpreter } from "@anabranch/engine";
 * const part = (firstIndex: number) =>
 *   syntheticDataset(rootKey(1), { shape: [1, 2, 2], classes: 2, examples: 8, firstIndex });
 * const config = resolveConfig({
 *   data: { clients: 2, publicExamples: 4, partition: { scheme: "iid" } },
 *   ...{ model: { name: "mlp", hidden: [4] }, algorithm: { name: "fedconv" }, sampler: { cohort: 2 } },
 * });
 * const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;
 * const { publicTraining } = prepareRun(config, { train: part(0), test: part(8) }, identity, 0, "example");
 * const open = openPublicTrainer(publicTraining, interpreter());
 * open?.trainer.layout.size; // => 30
 * await open?.close();
 * ```
 */
export function openPublicTrainer(parts: PublicTrainingParts | undefined, executor: Executor): OpenTrainer | undefined {
  if (parts === undefined) return undefined;
  const { model, layout, subModels, examples, seed } = parts;
  const root = deriveKey(rootKey(seed), "public-training");
  const loaded = new Map<string, Promise<Executable>>();
  const load = (name: string, compile: () => Program) => {
    const known = loaded.get(name) ?? executor.load(compile());
    loaded.set(name, known);
    return known;
  };
  const count = examples.features.shape[0]!;
  const order = permutation(randomStream(deriveKey(root, "validation")), count);
  return {
    trainer: {
      ...{ model, layout, subModels },
      random: (...path) => randomStream(deriveKey(root, "draw", ...path)),
      async train(task, start, settings) {
        const { trained, given } = start;
        const fixed = {
          ...parameterInputs("trained", trained, task.trained),
          ...vectorInputs("given", given, task.given),
        };
        if (settings.epochs === 0) {
          const outputs = await (await load(`make ${task.name}`, () => makeProgram(task))).run(fixed);
          return { trained: trained.slice(), made: collected(outputs, task, trained).made };
        }
        const held = Math.floor(settings.validation * count + 1e-9);
        const rows = { held: order.subarray(0, held), trained: order.subarray(held).slice().sort() };
        const name = `train ${task.name} ${held} ${settings.batchSize}`;
        const executable = await load(name, () => trainingProgram(task, count, held, settings.batchSize));
        const outputs = await executable.run({
          ...fixed,
          "data/features": examples.features,
          "data/labels": examples.labels,
          ...(held > 0 && { held: { dtype: "int32", shape: [held], data: rows.held } }),
          ...stepInputs(rows.trained, settings, trained, deriveKey(root, "order", ...settings.path)),
        });
        return collected(outputs, task, trained);
      },
    },
    async close() {
      for (const executable of loaded.values()) await (await executable).release();
    },
  };
}

/** The vectors that a program gives; what it does not train stays as it was. */
function collected(outputs: HostTensors, { trained, made }: PublicTask, before: Vector): Trained {
  const found = (name: string, of: Layout) =>
    vectorOutputs(outputs, "result", { [name]: of }, (_, length) => zerosLike(before, length))[name]!;
  const isTrained = Object.keys(outputs).some((name) => name.startsWith("result/trained/"));
  return { trained: isTrained ? found("trained", trained) : before.slice(), made: found("made", made) };
}

/** The mini-batches of all epochs; `ends` is 1 at the last step of each. */
function stepInputs(
  rows: Int32Array,
  { epochs, batchSize, learningRate }: PublicTrainingSettings,
  like: Vector,
  key: RandomKey,
): HostTensors {
  const { steps, indices, weights } = planBatches(rows.length, batchSize, { localEpochs: epochs }, key);
  const floats = (values: ArrayLike<number>) => {
    const data = zerosLike(like, values.length);
    data.set(values);
    return data;
  };
  const perEpoch = steps / epochs;
  const ends = Array.from({ length: steps }, (_, step) => ((step + 1) % perEpoch === 0 ? 1 : 0));
  return {
    "steps/indices": { dtype: "int32", shape: [steps, batchSize], data: indices.map((place) => rows[place]!) },
    "steps/weights": { dtype: "float", shape: [steps, batchSize], data: floats(weights) },
    "steps/ends": { dtype: "float", shape: [steps], data: floats(ends) },
    rate: { dtype: "float", shape: [], data: floats([learningRate]) },
  };
}

function fixedTypes({ trained, given }: PublicTask) {
  const others = Object.entries(given).map(([name, of]) => [name, entryTypes(of)] as const);
  return { trained: entryTypes(trained), ...(others.length > 0 && { given: Object.fromEntries(others) }) };
}

/** What is trained as it stands, made into parameters. */
function makeProgram(task: PublicTask): Program {
  const graph = trace((inputs) => {
    const { trained, given = {} } = inputs as unknown as Inputs;
    return { result: { made: { ...task.make(trained, given) } } };
  }, fixedTypes(task));
  return compileProgram(`make-${task.name}`, graph);
}

/** All epochs in one loop, which keeps what had the lowest loss on the examples that are held back. */
function trainingProgram(task: PublicTask, count: number, held: number, batch: number): Program {
  const { model } = task;
  const types = {
    ...fixedTypes(task),
    data: dataTypes(model, count),
    ...(held > 0 && { held: { dtype: "int32", shape: [held] } as const }),
    rate: { dtype: "float", shape: [] } as const,
    steps: {
      indices: { dtype: "int32", shape: ["K", batch] } as const,
      weights: { dtype: "float", shape: ["K", batch] } as const,
      ends: { dtype: "float", shape: ["K"] } as const,
    },
  };
  const graph = trace((inputs) => {
    const { trained, given = {}, data, held: rows, rate, steps } = inputs as unknown as Inputs;
    const lossesOf = (values: ModelParameters, places: Tensor) => {
      const outputs = model.forward(task.make(values, given), gather(data.features, places));
      return model.losses(outputs, gather(data.labels, places));
    };
    const optimizer = adam();
    const { carry } = scan(
      ({ values, state, best, least }: Carry, { indices, weights, ends }: Inputs["steps"]) => {
        const lossOf = (at: ModelParameters) => sum(mul(lossesOf(at, indices), weights));
        const { gradients } = valueAndGrad(lossOf, values);
        const next = takeStep(optimizer, gradients, state, values, { learningRate: rate });
        const moved = next.parameters as ModelParameters;
        const kept = rows === undefined ? { best: moved, least } : judged(moved, { best, least }, ends, rows);
        return { carry: { values: moved, state: next.state, ...kept }, output: {} };
      },
      { values: trained, state: optimizer.init(trained), best: trained, least: constant(NO_LOSS) },
      { ...steps },
    );
    return { result: { trained: { ...carry.best }, made: { ...task.make(carry.best, given) } } };

    function judged(moved: ModelParameters, before: Best, ends: Tensor, places: Tensor): Best {
      return cond(
        greater(ends, 0.5),
        () => {
          const loss = mean(lossesOf(moved, places));
          const isBetter = less(loss, before.least);
          const best = combine((a, b) => where(isBetter, a, b), moved, before.best);
          return { best, least: where(isBetter, loss, before.least) };
        },
        () => before,
      );
    }
  }, types);
  return compileProgram(`train-${task.name}`, graph);
}
