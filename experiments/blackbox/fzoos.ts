/**
 * FZooS on two problems without gradients, beside FedZO (finite differences along 20 random directions, W. Fang et al., 2022,
 * arXiv:2201.09531). Five clients:
 *   attack: each has a classifier of its own and gives its margin on an image with a perturbation, 49 squares of at most
 *     0.25; what is asked for is one perturbation that makes the mean margin negative;
 *   metric: each has images and gives 1 - macro F1 of a linear classifier of 9 inputs; what is asked for are weights,
 *     from those that one client has trained.
 * `node experiments/blackbox/fzoos.ts` prints values after equal numbers of queries.
 */
import {
  type BlackBox,
  deriveKey,
  drawFeatures,
  type RandomStream,
  randomStream,
  rootKey,
  surrogateRound,
} from "@anabranch/core";
import { CLASSES, clientExamples, coarse, type Examples, logits, trained } from "./models.ts";

const [CLIENTS, SEEDS, IMAGES] = [5, [1, 2, 3], 5];
const DIRECTIONS = 20;
/** Queries of a client after which values are printed. */
const BUDGETS = [63, 126, 252];
const [LOCAL_STEPS, FEATURES, NEAREST] = [5, 200, 100];

type Reporter = (queries: number, x: Float64Array) => void;
interface Problem {
  readonly functions: readonly BlackBox[];
  readonly start: Float64Array;
  readonly learningRate: number;
  /** Distance between the points of a finite difference, and of the first queries of a process from the start. */
  readonly nearby: number;
}

function fzoos(
  { functions, start, learningRate, nearby }: Problem,
  seed: number,
  corrected: boolean,
  report: Reporter,
) {
  const stream = randomStream(deriveKey(rootKey(seed), "features"));
  const lengthScale = Math.sqrt(start.length) / 2;
  const features = drawFeatures(start.length, FEATURES, lengthScale, stream);
  const settings = {
    localSteps: LOCAL_STEPS,
    learningRate,
    lengthScale,
    jitter: 1e-6,
    ridge: 1e-6,
    nearest: NEAREST,
    corrected,
  };
  const first = 2 * LOCAL_STEPS;
  const history = functions.map((f) => {
    const points = Array.from({ length: first }, () => moved(start, nearby, direction(stream, start.length)));
    return { points, values: points.map(f) };
  });
  let state: Parameters<typeof surrogateRound>[3] = { x: start, history };
  const perRound = LOCAL_STEPS + 1;
  for (let queries = first + perRound; queries <= BUDGETS.at(-1)!; queries += perRound) {
    state = surrogateRound(functions, features, settings, state);
    report(queries, state.x);
  }
}

/** @param step its length, as a share of that of LOCAL_STEPS steps of Adam, which move every coordinate by the learning rate */
function fedzo(
  { functions, start, learningRate, nearby }: Problem,
  seed: number,
  step: number,
  report: Reporter,
): void {
  const stream = randomStream(deriveKey(rootKey(seed), "directions"));
  let x = start;
  const perStep = DIRECTIONS + 1;
  for (let queries = perStep; queries <= BUDGETS.at(-1)!; queries += perStep) {
    const clients = functions.map((f) => {
      const gradient = new Float64Array(x.length);
      for (let k = 0; k < DIRECTIONS; k++) {
        const u = direction(stream, x.length);
        const slope = (f(moved(x, nearby, u)) - f(x)) / nearby;
        for (let j = 0; j < x.length; j++) gradient[j]! += (slope * u[j]!) / DIRECTIONS;
      }
      const norm = Math.hypot(...gradient) || 1;
      return moved(x, (-step * LOCAL_STEPS * learningRate * Math.sqrt(x.length)) / norm, gradient);
    });
    x = x.map((_, j) => clients.reduce((sum, client) => sum + client[j]!, 0) / clients.length);
    report(queries, x);
  }
}

/** A random direction with independent normal coordinates over the root of their number. */
const direction = (stream: RandomStream, length: number) =>
  Float64Array.from({ length }, () => stream.normal() / Math.sqrt(length));

/** x + by * along, clipped to the domain. */
const moved = (x: Float64Array, by: number, along: Float64Array) =>
  x.map((value, j) => Math.min(1, Math.max(0, value + by * along[j]!)));

const SIDE = 28;
const [SQUARES, STRENGTH] = [7, 0.25];

function perturbed(image: Float64Array, x: Float64Array): Float64Array {
  const block = SIDE / SQUARES;
  return image.map((value, i) => {
    const square = Math.floor(i / SIDE / block) * SQUARES + Math.floor((i % SIDE) / block);
    return Math.min(1, Math.max(0, value + STRENGTH * (2 * x[square]! - 1)));
  });
}

/** The score of the true class less the largest of the others. */
function margin(weights: Float64Array, image: Float64Array, label: number): number {
  const scores = logits(weights, image);
  return scores[label]! - Math.max(...scores.filter((_, c) => c !== label));
}

function attackOn(models: readonly Float64Array[], image: Float64Array, label: number): Problem {
  return {
    functions: models.map((weights) => (x) => margin(weights, perturbed(image, x), label)),
    start: new Float64Array(SQUARES * SQUARES).fill(0.5),
    learningRate: 0.05,
    nearby: 0.1,
  };
}

/** Weights from -RANGE to RANGE. */
const RANGE = 8;
const weightsAt = (x: Float64Array) => x.map((value) => 2 * RANGE * (value - 0.5));

/** The start is what the first client has trained alone, by gradients. */
function metricProblem(clients: readonly Examples[]): Problem {
  const start = trained(clients[0]!, 3, 0.05);
  return {
    functions: clients.map((examples) => (x) => 1 - macroF1(weightsAt(x), examples)),
    start: start.map((weight) => Math.min(1, Math.max(0, weight / (2 * RANGE) + 0.5))),
    learningRate: 0.01,
    nearby: 0.2,
  };
}

function macroF1(weights: Float64Array, { images, labels }: Examples): number {
  const [hits, predicted, present] = [0, 1, 2].map(() => new Float64Array(CLASSES)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  for (const [row, image] of images.entries()) {
    const scores = logits(weights, image);
    const guess = scores.indexOf(Math.max(...scores));
    predicted[guess]! += 1;
    present[labels[row]!]! += 1;
    if (guess === labels[row]) hits[guess]! += 1;
  }
  const classes = [...present.keys()].filter((c) => present[c]! > 0);
  return classes.reduce((sum, c) => sum + (2 * hits[c]!) / (predicted[c]! + present[c]!), 0) / classes.length;
}

const meanOf = (functions: readonly BlackBox[], x: Float64Array) =>
  functions.reduce((sum, f) => sum + f(x), 0) / functions.length;

/** Values at the last point before each budget, by budget. */
function valuesOf(problem: Problem, solve: (problem: Problem, report: Reporter) => void): number[] {
  const values = BUDGETS.map(() => meanOf(problem.functions, problem.start));
  solve(problem, (queries, x) => {
    const value = meanOf(problem.functions, x);
    for (const [k, budget] of BUDGETS.entries()) if (queries <= budget) values[k] = value;
  });
  return values;
}

const methods: readonly (readonly [string, (problem: Problem, seed: number, report: Reporter) => void])[] = [
  ...[1, 0.3, 0.1].map(
    (step) =>
      [
        `FedZO, steps of ${step}`,
        (problem: Problem, seed: number, report: Reporter) => fedzo(problem, seed, step, report),
      ] as const,
  ),
  ["FZooS without correction", (problem, seed, report) => fzoos(problem, seed, false, report)],
  ["FZooS", (problem, seed, report) => fzoos(problem, seed, true, report)],
];

const shares = await clientExamples(CLIENTS, 800);
const models = shares.map((share) => trained(share, 3, 0.01));
const targets = shares.flatMap(({ images, labels }) =>
  images
    .map((image, row) => ({ image, label: labels[row]! }))
    .filter(({ image, label }) => models.every((weights) => margin(weights, image, label) > 0))
    .slice(0, IMAGES / CLIENTS),
);
const small = shares.map((share) => coarse(share, 3));

console.log(`queries per client                 ${BUDGETS.map((budget) => String(budget).padStart(8)).join("")}`);
for (const [name, solve] of methods) {
  const runs = targets.flatMap(({ image, label }) =>
    SEEDS.map((seed) => valuesOf(attackOn(models, image, label), (problem, report) => solve(problem, seed, report))),
  );
  const successes = BUDGETS.map((_, k) => runs.filter((values) => values[k]! < 0).length / runs.length);
  console.log(
    `attack, ${name.padEnd(27)}${successes.map((share) => `${(100 * share).toFixed(0)} %`.padStart(8)).join("")}`,
  );
}
const metric = metricProblem(small);
console.log(`macro F1, at the start ${(1 - meanOf(metric.functions, metric.start)).toFixed(3)}`);
for (const [name, solve] of methods) {
  const runs = SEEDS.map((seed) => valuesOf(metric, (problem, report) => solve(problem, seed, report)));
  const means = BUDGETS.map((_, k) => runs.reduce((sum, values) => sum + 1 - values[k]!, 0) / runs.length);
  console.log(`macro F1, ${name.padEnd(25)}${means.map((value) => value.toFixed(3).padStart(8)).join("")}`);
}
