import type { HostTensor, HostTensors, MaskSpec } from "@anabranch/engine";
import type { Vector } from "../params/vector.ts";
import { bernoulliBits, deriveKey, type RandomKey, randomStream } from "../random/index.ts";
import type { BatchSchedule } from "./batches.ts";
import { maskBytes } from "./task-types.ts";

/** What mini-batches of a task have. */
interface BatchSpec {
  readonly batchSize: number;
  readonly masks: readonly MaskSpec[];
}

interface BatchRandomness {
  readonly learningRate: number;
  readonly keys: Readonly<Record<string, RandomKey>>;
}

/** Mini-batches with their rates and dropout. */
export function stepInputs(
  prefix: string,
  spec: BatchSpec,
  { steps, indices, weights }: BatchSchedule,
  { learningRate, keys }: BatchRandomness,
  make: (n: number) => Vector,
): HostTensors {
  return {
    [`${prefix}/indices`]: { dtype: "int32", shape: [steps, spec.batchSize], data: indices },
    [`${prefix}/weights`]: floats(make, weights, [steps, spec.batchSize]),
    [`${prefix}/learningRate`]: { dtype: "float", shape: [steps], data: make(steps).fill(learningRate) },
    ...maskInputs(prefix, spec, steps, keys["dropout"]!),
  };
}

function floats(make: (n: number) => Vector, values: ArrayLike<number>, shape: readonly number[]): HostTensor {
  const data = make(values.length);
  data.set(values);
  return { dtype: "float", shape, data };
}

/** Packed dropout bits of K steps for every dropout site. */
function maskInputs(prefix: string, spec: BatchSpec, steps: number, key: RandomKey): Record<string, HostTensor> {
  const inputs: Record<string, HostTensor> = {};
  for (const mask of spec.masks) {
    const bytes = maskBytes(mask.shape);
    const count = steps * spec.batchSize * bytes * 8;
    const data = bernoulliBits(randomStream(deriveKey(key, mask.name)), count, mask.keep);
    inputs[`${prefix}/masks/${mask.name}`] = { dtype: "uint8", shape: [steps, spec.batchSize, bytes], data };
  }
  return inputs;
}
