import {
  type Config,
  type ConfigInput,
  decodeSafetensors,
  encodeBroadcast,
  encodeUpdate,
  openDataSource,
  type PreparedRun,
  prepareRun,
  resolveConfig,
  rootKey,
  runClient,
  serverPipeline,
  type TrainTest,
} from "@anabranch/core";
import { type Executable, type Executor, fingerprint, loadProgram } from "@anabranch/engine";
import { createAlgorithm } from "../../packages/core/src/algorithms/registry.ts";
import { TASK_KEYS, taskKeys } from "../../packages/core/src/protocol/index.ts";
import type { MethodVariant } from "./method-variants.ts";

/** Small, so that random labels do no method harm. */
const LEARNING_RATE = 1e-3;

/** Methods whose clients send parts of the model want a client for each part. */
export const COHORT = 16;

/** A method on a model, loaded. */
export interface MethodSubject {
  readonly variant: MethodVariant;
  /** d */
  readonly parameters: number;
  readonly gradientsPerStep: number;
  /** Floats in the encoded messages of one client; where clients send parts, the mean over the parts. */
  readonly down: number;
  readonly up: number;
  /** Trains a client and returns the milliseconds that its thread computed in the program. */
  task(): Promise<number>;
  release(): Promise<void>;
}

export interface SubjectSettings {
  readonly model: Config["model"];
  /** K */
  readonly steps: number;
  readonly batch: number;
  readonly data: TrainTest;
  /** What else the configuration says. */
  readonly more?: Pick<ConfigInput, "adapters" | "parameters">;
}

/** Configures and loads a method as a run does, and trains a client, once for each part: that warms it up, too. */
export async function prepareSubject(
  executor: Executor,
  variant: MethodVariant,
  { model, steps, batch, data, more = {} }: SubjectSettings,
): Promise<MethodSubject> {
  const config = resolveConfig({
    rounds: 1,
    data: { dataset: "random", clients: COHORT, partition: { scheme: "iid" } },
    model,
    algorithm: { name: variant.method, ...variant.options },
    training: { localSteps: steps, batchSize: batch, learningRate: LEARNING_RATE },
    sampler: { cohort: COHORT },
    evaluation: { every: 0 },
    ...more,
    ...(isPrivate(variant) ? { privacy: { mechanism: "gaussian" } } : {}),
  });
  const { name, version, float } = executor;
  const identity = { name, version, float, fingerprint: await fingerprint(executor) };
  const prepared = prepareRun(config, data, identity, 0, "methods");
  const loaded = await loadProgram(executor, prepared.simulation.task.program);
  const train = trainer(prepared, loaded);
  try {
    const parts = prepared.simulation.task.parts?.map((_, part) => part) ?? [undefined];
    const [first, ...others] = parts;
    const { broadcast, update } = await train(first);
    const floats = [vectorFloats(encodeUpdate(update))];
    for (const part of others) floats.push(vectorFloats(encodeUpdate((await train(part)).update)));
    return {
      variant,
      parameters: prepared.plan.layout.size,
      gradientsPerStep: prepared.simulation.gradientsPerStep,
      down: vectorFloats(encodeBroadcast(broadcast)),
      up: floats.reduce((sum, own) => sum + own, 0) / parts.length,
      task: async () => (await train(first)).milliseconds,
      release: () => loaded.release(),
    };
  } catch (error) {
    await loaded.release();
    throw error;
  }
}

/** Whether a method is made for a mechanism: clipping, which clients do on the host, is then part of its round, not of its time. */
function isPrivate({ method, options }: MethodVariant): boolean {
  return createAlgorithm(method, options).privacy !== undefined;
}

/** The first round of the first client, again and again; the program and its host kernels alone are timed. */
function trainer({ plan, simulation }: PreparedRun, loaded: Executable) {
  const { algorithm, initial, layout } = plan;
  const server = algorithm.init(initial, layout);
  const pipeline = serverPipeline(plan);
  const scalars = pipeline.publicScalars(server, 1, LEARNING_RATE);
  const broadcast = { round: 1, vectors: algorithm.broadcast(server, scalars, 1), scalars };
  const data = openDataSource(simulation.train).load(0);
  const keys = taskKeys(rootKey(plan.seed), [...TASK_KEYS, ...pipeline.keys], 1)(0, 0);
  const task = { client: 0, learningRate: LEARNING_RATE, keys, broadcast, state: undefined, data };
  return async (part: number | undefined) => {
    let milliseconds = 0;
    const timed: Executable = {
      ...loaded,
      async run(inputs) {
        const before = process.threadCpuUsage();
        const outputs = await loaded.run(inputs);
        const { user, system } = process.threadCpuUsage(before);
        milliseconds = (user + system) / 1000;
        return outputs;
      },
    };
    const { update } = await runClient(simulation.task, timed, { ...task, part });
    return { broadcast, update, milliseconds };
  };
}

/** Floats of the vectors in an encoded message: what is left without its header and its few numbers. */
function vectorFloats(message: Uint8Array): number {
  const header = 8 + Number(new DataView(message.buffer, message.byteOffset).getBigUint64(0, true));
  const numbers = decodeSafetensors(message, "message").tensors["numbers"]!.data.byteLength;
  return (message.byteLength - header - numbers) / Float32Array.BYTES_PER_ELEMENT;
}
