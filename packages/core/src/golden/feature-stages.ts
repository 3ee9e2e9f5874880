import type { Tensor } from "@anabranch/engine";
import * as z from "zod";
import { fold } from "../aggregation/index.ts";
import { stepFrom } from "../algorithms/server.ts";
import {
  augmentationLosses,
  augmentationRamp,
  augmentedFeature,
  type ClassStatistics,
  easiestFirst,
  extendBasis,
  geometryOf,
  harderExamples,
  type InputBasis,
  type Pacing,
  pooledStatistics,
  projectedUpdate,
  projectorOf,
  type RowMatrix,
  revisedUpdates,
  sketchInputs,
  statisticsOf,
  updatedClassMeans,
  visibleExamples,
  visiblePart,
  type WeightedRows,
} from "../heterogeneity/index.ts";
import { labelList } from "./distillation.ts";
import type { Operation } from "./operation.ts";
import { vector, vectorList } from "./quadratic-problem.ts";
import { flatten, layoutOf, tensors, unflatten } from "./tensors.ts";
import { gradientLists, listed, scalar, traced, tracedLabels } from "./traced.ts";

const matrixOf = (rows: readonly (readonly number[])[]): RowMatrix => {
  return { rows: rows.length, columns: rows[0]!.length, values: Float64Array.from(rows.flat()) };
};
const splitRows = (values: ArrayLike<number>, columns: number): number[][] =>
  Array.from({ length: values.length / columns }, (_, i) =>
    Array.from({ length: columns }, (_entry, j) => values[i * columns + j]!),
  );

function meanOf(vectors: readonly Float64Array[]): Float64Array {
  const mean = fold("uniformMean", vectors[0]!.length);
  for (const one of vectors) mean.add(one, 1);
  return mean.result(new Float64Array(vectors[0]!.length)) as Float64Array;
}

const principalInput = z.strictObject({
  parameters: tensors,
  updates: z.array(tensors).min(1),
  rho: z.number().min(0).max(1),
  serverLearningRate: z.number(),
});

/** FedLD's `revised` updates and the `parameters` after a step along their mean. */
export const principalServer: Operation = {
  async run(input) {
    const { parameters, updates, rho, serverLearningRate } = principalInput.parse(input);
    const layout = layoutOf(parameters);
    const revised = revisedUpdates(
      updates.map((update) => flatten(update, layout)),
      layout,
      rho,
    );
    const next = stepFrom(flatten(parameters, layout), serverLearningRate, meanOf(revised));
    return {
      revised: revised.map((update) => unflatten(update, layout, parameters)),
      parameters: unflatten(next, layout, parameters),
    };
  },
};

const augmentationInput = z.strictObject({
  f: vectorList,
  y: labelList,
  classMeans: vectorList,
  balanced: labelList,
  g: vectorList,
  residualA: vectorList,
  residualB: vectorList,
  head: z.strictObject({ W: vectorList, b: vector }),
  momentum: z.number(),
  gamma: z.number(),
  horizon: z.number(),
  iteration: z.number(),
  lambdaG: z.number(),
  lambdaR: z.number(),
});

/** Rows that count alike. */
const rowsOf = (features: Tensor, labels: readonly number[]): WeightedRows => {
  const weights = traced(labels.map(() => 1 / labels.length));
  return { features, labels: tracedLabels(labels), weights };
};

/** FRAug's losses with their gradients, and the class means before them. */
export const augmentationOperation: Operation = {
  async run(input) {
    const given = augmentationInput.parse(input);
    const [weight, bias, generated, residualA] = [
      traced(given.head.W),
      traced(given.head.b),
      traced(given.g),
      traced(given.residualA),
    ];
    const real = rowsOf(traced(given.f), given.y);
    const classMeans = updatedClassMeans(traced(given.classMeans), real, given.momentum);
    const ramp = augmentationRamp(given.iteration, given.horizon, given.gamma);
    const residuals = [residualA, traced(given.residualB)] as const;
    const losses = augmentationLosses(
      { weight, bias },
      { real, generated: rowsOf(generated, given.balanced), residuals, classMeans },
      ramp,
      { generator: given.lambdaG, residual: given.lambdaR },
    );
    const { weight: W, bias: b } = gradientLists(losses.classifier, { weight, bias });
    return {
      classMeans: listed(classMeans),
      ...ramp,
      real: scalar(losses.real),
      synthetic: scalar(losses.synthetic),
      loss: scalar(losses.classifier),
      gradHead: { W, b },
      generatorLoss: scalar(losses.generator),
      gradGenerator: gradientLists(losses.generator, { generated }).generated,
      residualLoss: scalar(losses.residual),
      gradResidual: gradientLists(losses.residual, { residualA }).residualA,
    };
  },
};

const place = z.int().min(0);
const geometryInput = z.strictObject({
  clients: z.array(vectorList).min(1),
  base: z.strictObject({ client: place, rows: z.array(place) }),
  eps: vectorList,
  prototype: z.strictObject({ client: place, eps: vectorList }),
});

/** GGEUR: `statistics` of clients, pooled ones, their geometry, and new examples around own rows and another's mean. */
export const geometryOperation: Operation = {
  async run(input) {
    const { clients, base, eps, prototype } = geometryInput.parse(input);
    const statistics = clients.map(statisticsOf);
    const pooled = pooledStatistics(statistics);
    const geometry = geometryOf(pooled);
    const shown = ({ count, mean, covariance }: ClassStatistics) => {
      return { n: count, mean: Array.from(mean), cov: splitRows(covariance, mean.length) };
    };
    const { n, mean, cov: covariance } = shown(pooled);
    const around = (from: ArrayLike<number>, draws: readonly number[]) =>
      Array.from(augmentedFeature(from, geometry, draws));
    return {
      statistics: statistics.map(shown),
      ...{ n, mean, covariance },
      eigenvalues: geometry.variances,
      eigenvectors: geometry.directions.map((direction) => Array.from(direction)),
      samples: base.rows.map((row, k) => around(clients[base.client]![row]!, eps[k]!)),
      prototypeSamples: prototype.eps.map((draws) => around(statistics[prototype.client]!.mean, draws)),
    };
  },
};

const upSampleInput = z.strictObject({ outputs: vectorList, y: z.array(place), minimumClass: place });

/** USEFUL: places `duplicated`, and the `size` of the set with them. */
export const upSampleOperation: Operation = {
  async run(input) {
    const { outputs, y, minimumClass } = upSampleInput.parse(input);
    const duplicated = harderExamples(outputs, y, minimumClass);
    return { duplicated, size: y.length + duplicated.length };
  },
};

const curriculumInput = z.strictObject({
  scores: vector,
  a: z.number(),
  b: z.number(),
  horizon: z.int().min(0),
  power: z.number().optional(),
});
const PACINGS: readonly Pacing[] = ["linear", "polynomial", "log", "exponential", "step"];

/** `pacing` by name over rounds 0 to the horizon, the `order`, and what is visible under linear pacing. */
export const curriculumOperation: Operation = {
  async run(input) {
    const { scores, power, ...given } = curriculumInput.parse(input);
    const settings = { ...given, ...(power === undefined ? {} : { power }) };
    const rounds = Array.from({ length: given.horizon + 1 }, (_, round) => round);
    const pacing = PACINGS.map((name) => [name, rounds.map((round) => visiblePart(name, round, settings))] as const);
    const visible = (order: "curriculum" | "anti") =>
      rounds.map((round) => visibleExamples(scores, visiblePart("linear", round, settings), order));
    return {
      pacing: Object.fromEntries(pacing),
      order: easiestFirst(scores),
      curriculum: visible("curriculum"),
      anti: visible("anti"),
    };
  },
};

const wide = z.array(z.array(z.number())).min(1);
const taskInput = z.strictObject({
  basis: wide,
  inputs: z.array(vectorList).min(1),
  sketches: z.array(vectorList).min(1),
  epsilon: z.number(),
  W: vectorList,
  updates: z.array(vectorList).min(1),
});

/** FOT at the end of a task: `ratios`, the new basis by its `projector`, and a step of a layer with it. */
export const orthogonalTaskOperation: Operation = {
  async run(input) {
    const { basis: given, inputs, sketches, epsilon, W, updates } = taskInput.parse(input);
    const [a, rank] = [given.length, given[0]!.length];
    const before: InputBasis = { inputs: a, rank, vectors: Float64Array.from(given.flat()) };
    const sent = inputs.map((x, i) => sketchInputs(before, matrixOf(x), matrixOf(sketches[i]!)));
    const { basis, ...extended } = extendBasis(before, sent, epsilon);
    const mean = {
      rows: W.length,
      columns: a,
      values: meanOf(updates.map((update) => Float64Array.from(update.flat()))),
    };
    const step = stepFrom(Float64Array.from(W.flat()), 1, projectedUpdate(basis, mean).values);
    return {
      ratios: sent.map(({ ratio }) => ratio),
      ...extended,
      projector: splitRows(projectorOf(basis), a),
      W: splitRows(step, a),
    };
  },
};
