import * as z from "zod";
import {
  aggregatePairs,
  coreDelta,
  coreFromGradient,
  deltaOf,
  exactUpdate,
  frobeniusDistance,
  matrixOf,
  meanGradientOf,
  meanOfCores,
  type PairRuleName,
  pairRuleNames,
  rowsOf,
  type WeightedUpdate,
} from "../adapters/index.ts";
import type { Operation } from "./operation.ts";

export const matrix = z.array(z.array(z.number()).min(1)).min(1).transform(matrixOf);
const FLOAT_BYTES = 4;

const clientPair = z.strictObject({
  A: matrix,
  B: matrix,
  scale: z.number().default(1),
  weight: z.number().min(0).default(1),
});
const aggregateInput = z.strictObject({ clients: z.array(clientPair).min(1) });
const aggregateOptions = z.strictObject({
  rule: z.enum(pairRuleNames),
  lambda: z.number().min(0).optional(),
  rank: z.int().positive().optional(),
});

/** `A`, `B`, `delta` = scale B A and its distance `error` to the mean of the clients' products. */
const aggregate: Operation = {
  async run(input, given) {
    const { clients } = aggregateInput.parse(input);
    const { rule, ...options } = aggregateOptions.parse(given);
    const updates = clients.map(({ A, B, ...rest }) => ({ a: A, b: B, ...rest }));
    const result = aggregatePairs(rule, updates, options);
    const delta = deltaOf(result);
    const error = frobeniusDistance(delta, exactUpdate(updates));
    const floats = ({ a, b }: Pick<WeightedUpdate, "a" | "b">) => FLOAT_BYTES * (a.data.length + b.data.length);
    return {
      ...{ A: rowsOf(result.a), B: rowsOf(result.b), delta: rowsOf(delta), error },
      ...beside(rule, updates, error),
      ...("singularValues" in result ? { singularValues: Array.from(result.singularValues as Float64Array) } : {}),
      bytesDownPerClient: floats(result),
      bytesUp: updates.map(floats),
    };
  },
};

/** LoRA-FAIR starts from the means of the factors. */
function beside(rule: PairRuleName, updates: readonly WeightedUpdate[], error: number) {
  if (rule !== "lora-fair") return {};
  const mean = aggregatePairs("fedit", updates);
  return { errorBefore: frobeniusDistance(deltaOf(mean), exactUpdate(updates)), errorAfter: error };
}

const coreInput = z.strictObject({
  weights: z.array(z.number().min(0)).min(1),
  gradients: z.array(matrix).min(1),
  cores: z.array(matrix).min(1),
});
const coreOptions = z.strictObject({ learningRate: z.number().positive(), rank: z.int().positive() });

const fedsb: Operation = {
  async run(input, given) {
    const { weights, gradients, cores } = coreInput.parse(input);
    const { learningRate, rank } = coreOptions.parse(given);
    const start = coreFromGradient(meanGradientOf(gradients, weights), learningRate, rank);
    const { a, b, core } = start;
    return {
      singularValues: Array.from({ length: core.rows }, (_, j) => core.data[j * (core.rows + 1)]!),
      initialDelta: rowsOf(coreDelta(start)),
      averagedCore: rowsOf(meanOfCores(cores)),
      bytesPerRound: FLOAT_BYTES * core.data.length,
      bytesOnce: FLOAT_BYTES * (a.data.length + b.data.length + core.data.length),
    };
  },
};

/** Updates of low rank. */
export const loraOperations: Readonly<Record<string, Operation>> = { "lora.aggregate": aggregate, "lora.fedsb": fedsb };
