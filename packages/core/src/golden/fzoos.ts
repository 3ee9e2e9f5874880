import * as z from "zod";
import {
  featureGradient,
  featureValue,
  fitFeatures,
  processGradient,
  type SurrogateState,
  surrogateRound,
} from "../blackbox/index.ts";
import type { Operation } from "./operation.ts";
import { quadratics, vector, vectorList } from "./quadratic-problem.ts";

const features = { frequencies: vectorList, phases: vector };
const fit = {
  lengthScale: z.number().positive(),
  jitter: z.number().min(0),
  ridge: z.number().min(0),
};
const surrogateInput = z.strictObject({ ...features, points: vectorList, values: vector, x: vector });
const surrogateOptions = z.strictObject(fit);

const surrogate: Operation = {
  async run(input, given) {
    const { points, values, x, ...shared } = surrogateInput.parse(input);
    const { ridge, ...options } = surrogateOptions.parse(given);
    const queries = { points: points.map((point) => Float64Array.from(point)), values };
    const at = Float64Array.from(x);
    const weights = fitFeatures(shared, queries, ridge);
    return {
      gpGradient: Array.from(processGradient(queries, options, at)),
      weights: Array.from(weights),
      featureGradient: Array.from(featureGradient(shared, weights, at)),
      prediction: featureValue(shared, weights, at),
    };
  },
};

const traceInput = z.strictObject({ ...quadratics, ...features, x0: vector, history: z.array(vectorList) });
const traceOptions = z.strictObject({
  ...fit,
  rounds: z.int().positive(),
  localSteps: z.int().positive(),
  learningRate: z.number().positive(),
});

const trace: Operation = {
  async run(input, given) {
    const { a, b, x0, history, ...shared } = traceInput.parse(input);
    const { rounds, ...settings } = traceOptions.parse(given);
    const functions = a.map((row, i) => (x: Float64Array) => {
      return row.reduce((sum, curvature, j) => sum + 0.5 * curvature * (x[j]! - b[i]![j]!) ** 2, 0);
    });
    const start: SurrogateState = {
      x: Float64Array.from(x0),
      history: history.map((rows, i) => {
        const points = rows.map((row) => Float64Array.from(row));
        return { points, values: points.map(functions[i]!) };
      }),
    };
    let state = start;
    const output: object[] = [];
    for (let round = 0; round < rounds; round++) {
      const next = surrogateRound(functions, shared, { ...settings, nearest: Number.POSITIVE_INFINITY }, state);
      output.push({ clients: next.clients.map((x) => Array.from(x)), parameters: Array.from(next.x) });
      state = next;
    }
    return { rounds: output };
  },
};

/** Optimisation of functions that give values alone. */
export const fzoosOperations: Readonly<Record<string, Operation>> = {
  "fzoos.surrogate": surrogate,
  "trace.fzoos": trace,
};
