import * as z from "zod";
import {
  chooseForDevice,
  deltaOf,
  factored,
  gradientFromFactors,
  groupImportance,
  leastImportant,
  matrixScore,
  noSensitivity,
  observeSensitivity,
  rowsOf,
  scattered,
  sensitivityScores,
  tripletScores,
  upperConfidence,
} from "../adapters/index.ts";
import { matrix } from "./lora.ts";
import type { Operation } from "./operation.ts";
import { vectorList } from "./quadratic-problem.ts";

const share = z.number().min(0).max(1);
const size = z.int().positive();
const sensitivityInput = z.strictObject({
  ...{ weights: vectorList, gradients: vectorList },
  ...{ rank: size, inputs: size, outputs: size },
});
const sensitivityOptions = z.strictObject({
  beta1: share.default(0.85),
  beta2: share.default(0.85),
  top: z.int().positive().default(1),
});

/** `scores` of all entries after the last iteration, of `triplets`, and of the matrix. */
const sensitivity: Operation = {
  async run(input, given) {
    const { weights, gradients, ...sizes } = sensitivityInput.parse(input);
    const { top, ...betas } = sensitivityOptions.parse(given);
    const observed = weights.reduce(
      (state, values, t) => observeSensitivity(state, values, gradients[t] ?? [], betas),
      noSensitivity(weights[0]!.length),
    );
    const scores = sensitivityScores(observed);
    const triplets = tripletScores(scores, sizes);
    return { scores: Array.from(scores), triplets, matrixScore: matrixScore(triplets, top) };
  },
};

const candidate = z.looseObject({
  ...{ batch: z.number(), rank: z.number(), bits: z.number() },
  ...{ memory: z.number(), time: z.number() },
});
const configureInput = z.strictObject({
  ...{ memory: z.number(), deadline: z.number() },
  candidates: z.array(candidate),
});

const configure: Operation = {
  async run(input) {
    const { candidates, ...limits } = configureInput.parse(input);
    return { choice: chooseForDevice(candidates, limits) ?? null };
  },
};

const importanceInput = z.strictObject({
  ...{ W: matrix, A: matrix, B: matrix, dA: matrix, dB: matrix },
  groups: z.array(z.array(z.int().min(0))),
});

const importance: Operation = {
  async run(input, given) {
    const { W, A, B, dA, dB, groups } = importanceInput.parse(input);
    const { ratio } = z.strictObject({ ratio: share }).parse(given);
    const factors = { a: A, b: B };
    const gradient = gradientFromFactors(factors, { a: dA, b: dB });
    const scores = groupImportance(W, factors, gradient, groups);
    return { gradient: rowsOf(gradient), importance: scores, pruned: leastImportant(scores, ratio) };
  },
};

const scatterInput = z.strictObject({
  shape: z.tuple([z.int().positive(), z.int().positive()]),
  clients: z
    .array(
      z.strictObject({ A: matrix, B: matrix, rows: z.array(z.int().min(0)), weight: z.number().min(0).default(1) }),
    )
    .min(1),
});

const scatter: Operation = {
  async run(input, given) {
    const { shape, clients } = scatterInput.parse(input);
    const { rank } = z.strictObject({ rank: z.int().positive() }).parse(given);
    const delta = scattered(
      clients.map(({ A, B, ...rest }) => ({ a: A, b: B, ...rest })),
      ...shape,
    );
    return { delta: rowsOf(delta), truncated: rowsOf(deltaOf(factored(delta, rank, 1))) };
  },
};

const banditInput = z.strictObject({
  means: z.array(z.number()).min(1),
  counts: z.array(z.int().min(0)).min(1),
  t: z.number().positive(),
});

const bandit: Operation = {
  async run(input, given) {
    const { t, ...choices } = banditInput.parse(input);
    const { c } = z.strictObject({ c: z.number().min(0).default(0.5) }).parse(given);
    return upperConfidence(choices, t, c);
  },
};

/** FedPipe's and FedSpine's choices of adapters and of what is pruned. */
export const adapterChoices: Readonly<Record<string, Operation>> = {
  "lora.sensitivity": sensitivity,
  "fedpipe.configure": configure,
  "fedspine.importance": importance,
  "fedspine.scatter": scatter,
  "fedspine.bandit": bandit,
};
