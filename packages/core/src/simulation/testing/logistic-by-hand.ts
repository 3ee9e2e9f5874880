import { interpreter } from "@anabranch/engine";
import { type ConfigInput, resolveConfig } from "../../config/index.ts";
import type { ArrayDataset } from "../../data/index.ts";
import { memoryBlobStore } from "../../round/blob-store.ts";
import { memoryClientStates } from "../../round/memory-client-states.ts";
import { runFederation } from "../../round/run.ts";
import { inProcessSimulation } from "../in-process.ts";
import { type PreparedRun, prepareRun } from "../prepare.ts";

/** Two clients with two examples each, in the order of the data set. */
const features = [
  [1, 0.5],
  [-0.3, 2],
  [0.4, -1],
  [2, 0.1],
];
const truth = [0, 1, 1, 2];
const set = (): ArrayDataset => ({
  name: "points",
  features: { dtype: "float", shape: [4, 2], data: Float32Array.from(features.flat()) },
  labels: { dtype: "uint8", shape: [4], data: Uint8Array.from(truth) },
  classes: 3,
});

export function prepare(input: ConfigInput, train = set()): PreparedRun {
  const config = resolveConfig({
    data: { clients: 2, partition: { scheme: "iid" } },
    model: { name: "logistic" },
    sampler: { cohort: 2 },
    ...input,
    training: { batchSize: 2, localSteps: 1, learningRate: 0.5, ...input.training },
  });
  const identity = { name: "interpreter", version: "", fingerprint: "", float: "float64" } as const;
  return prepareRun(config, { train, test: set() }, identity, 0, "statistics");
}

/** Parameters after each round. */
export async function rounds(prepared: PreparedRun): Promise<number[][]> {
  const { plan, simulation } = prepared;
  const { backend, evaluator, close } = await inProcessSimulation(simulation, interpreter());
  const seen: number[][] = [];
  const algorithm: typeof plan.algorithm = {
    ...plan.algorithm,
    update(state, aggregate, context) {
      const next = plan.algorithm.update(state, aggregate, context);
      seen.push(Array.from(next.vectors.parameters));
      return next;
    },
  };
  const ports = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates(), emit: () => {} };
  await runFederation({ ...plan, algorithm }, { backend, evaluator, ...ports });
  await close();
  return seen;
}

export interface Example {
  /** With a leading 1. */
  readonly inputs: readonly number[];
  readonly label: number;
}

/** Examples of each client, as a model takes them. */
export function examplesOf({ federation }: PreparedRun, scaled = (x: number) => x): Example[][] {
  const { train, partition } = federation.dataset!;
  const size = train.features.data.length / train.labels.data.length;
  return partition.clients.map((rows) =>
    Array.from(rows, (row) => ({
      inputs: [1, ...Array.from(train.features.data.subarray(row * size, (row + 1) * size), scaled)],
      label: train.labels.data[row]!,
    })),
  );
}

export const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, k) => sum + x * b[k]!, 0);
export const minus = (a: readonly number[], b: readonly number[]) => a.map((x, k) => x - b[k]!);

/** Probabilities under a logistic model with its parameters in one list: bias [3], weight [inputs, 3]. */
export function probabilities({ inputs }: Example, x: readonly number[]): number[] {
  const powers = [0, 1, 2].map((c) => Math.exp(inputs.reduce((sum, input, i) => sum + input * x[3 * i + c]!, 0)));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / total);
}

export const lossOf = (examples: readonly Example[]) => (x: readonly number[]) =>
  examples.reduce((sum, one) => sum - Math.log(probabilities(one, x)[one.label]!), 0) / examples.length;

export const gradientOf = (examples: readonly Example[]) => (x: readonly number[]) => {
  const sums = x.map(() => 0);
  for (const one of examples) {
    const shares = probabilities(one, x);
    for (const [i, input] of one.inputs.entries())
      for (const c of [0, 1, 2]) sums[3 * i + c]! += input * (shares[c]! - (one.label === c ? 1 : 0));
  }
  return sums.map((sum) => sum / examples.length);
};

/** Central differences. */
export function slope(f: (x: readonly number[]) => number, x: readonly number[], step: number): number[] {
  return x.map((_, k) => {
    const at = (h: number) => f(x.map((value, j) => (j === k ? value + h : value)));
    return (at(step) - at(-step)) / (2 * step);
  });
}
