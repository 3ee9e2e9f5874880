import { deriveKey, type RandomKey, randomStream, shuffle } from "../random/index.ts";

/** How long a client trains: whole passes over its data, or a fixed number of steps. */
export type LocalBudget = { readonly localEpochs: number } | { readonly localSteps: number };

/** The mini-batches of one client task. */
export interface BatchSchedule {
  /** K */
  readonly steps: number;
  /** [K, B] rows of the client's data; padding repeats row 0. */
  readonly indices: Int32Array;
  /** [K, B]; each step sums to 1 over its real rows. */
  readonly weights: Float64Array;
}

/**
 * Local steps of a client with `examples` rows.
 *
 * @example
 * ```ts
 * import { stepCount } from "@anabranch/core";
 * stepCount(45, 20, { localEpochs: 2 }); // => 6
 * ```
 */
export function stepCount(examples: number, batchSize: number, budget: LocalBudget): number {
  return "localSteps" in budget ? budget.localSteps : budget.localEpochs * Math.ceil(examples / batchSize);
}

/**
 * Shuffled passes over the client's rows, cut into mini-batches; the last batch of a pass may be short and is padded with
 * weight zero, so a client whose data do not divide by the batch is exact. Integer arithmetic decides every row.
 *
 * @example
 * ```ts
 * import { planBatches, rootKey } from "@anabranch/core";
 * const { steps, indices } = planBatches(3, 2, { localEpochs: 1 }, rootKey(1));
 * steps; // => 2
 * indices.length; // => 4
 * ```
 */
export function planBatches(examples: number, batchSize: number, budget: LocalBudget, key: RandomKey): BatchSchedule {
  const steps = stepCount(examples, batchSize, budget);
  const indices = new Int32Array(steps * batchSize);
  const weights = new Float64Array(steps * batchSize);
  const order = Int32Array.from({ length: examples }, (_, i) => i);
  const perPass = Math.ceil(examples / batchSize);
  for (let step = 0; step < steps; step++) {
    const inPass = step % perPass;
    if (inPass === 0) shuffle(randomStream(deriveKey(key, "epoch", step / perPass)), order);
    const rows = order.subarray(inPass * batchSize, Math.min(examples, (inPass + 1) * batchSize));
    indices.set(rows, step * batchSize);
    weights.fill(1 / rows.length, step * batchSize, step * batchSize + rows.length);
  }
  return { steps, indices, weights };
}
