/**
 * Utility of DIFF2 against private gradient descent where single records are protected: how the squared gradient norm falls
 * with the number of records n at one epsilon. `node experiments/quadratics/diff2.ts` prints the table of the README.
 */
import {
  type ArrayDataset,
  createAlgorithm,
  inProcessSimulation,
  memoryBlobStore,
  memoryClientStates,
  prepareRun,
  randomStream,
  recording,
  resolveConfig,
  rootKey,
  runFederation,
} from "@anabranch/core";
import { onnxruntimeNode } from "@anabranch/engine";

const D = 32;
const CLIENTS = 4;
const ROUNDS = [8, 32, 64];
const EPSILON = 1;

/** Curvatures from 1 to 1/1000, on which gradient descent has |grad|^2 of about 1 / rounds: as slow as a nonconvex one. */
const curvatures = Array.from({ length: D }, (_, j) => 10 ** ((-3 * j) / (D - 1)));

/** n records of a quadratic regression: record r has the loss sum_j l_j (x_j - b_rj)^2 / 2. */
function records(n: number): ArrayDataset {
  const stream = randomStream(rootKey(n));
  const data = new Float32Array(2 * D * n);
  for (let r = 0; r < n; r++) {
    for (let j = 0; j < D; j++) {
      data[2 * D * r + j] = curvatures[j]!;
      // minima further away where the curvature is small, so that every scale has its share of the loss
      data[2 * D * r + D + j] = 0.3 * (curvatures[j]! ** -0.5 + stream.normal());
    }
  }
  return {
    name: "quadratic records",
    features: { dtype: "float", shape: [n, 2 * D], data },
    labels: { dtype: "uint8", shape: [n], data: new Uint8Array(n) },
    classes: 1,
  };
}

interface Setting {
  readonly n: number;
  readonly rounds: number;
  readonly restartEvery: number;
}

/** |grad F|^2 at the last model of a run that protects records at epsilon 1 and delta 1e-6. */
async function squaredGradient({ n, rounds, restartEvery }: Setting): Promise<number> {
  const config = resolveConfig({
    rounds,
    data: { clients: CLIENTS, partition: { scheme: "iid" } },
    model: { name: "quadratic", input: [2 * D] },
    algorithm: { name: "diff2", restartEvery, smoothnessBound: 1.01, serverLearningRate: 1, protects: "records" },
    training: { batchSize: 1, localEpochs: 1 },
    sampler: { name: "uniform", cohort: CLIENTS },
    evaluation: { every: 0 },
    privacy: { mechanism: "gaussian", clipNorm: 1.5, targetEpsilon: EPSILON, delta: 1e-6 },
  });
  const executor = await onnxruntimeNode();
  const train = records(n);
  const { name, ...options } = config.algorithm;
  let last: ArrayLike<number> = [];
  const algorithm = recording(createAlgorithm(name, options), (parameters) => {
    last = parameters;
  });
  const identity = { name: executor.name, version: executor.version, fingerprint: "", float: "float32" } as const;
  const { plan, simulation } = prepareRun(config, { train, test: records(8) }, identity, 0, "diff2", { algorithm });
  const { backend, evaluator, close } = await inProcessSimulation(simulation, executor);
  const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
  await runFederation(plan, { backend, evaluator, ...stores, emit: () => {} });
  await close();
  const gradient = curvatures.map((curvature, j) => {
    let mean = 0;
    for (let r = 0; r < n; r++) mean += (train.features.data as Float32Array)[2 * D * r + D + j]! / n;
    return curvature * (last[j]! - mean);
  });
  return gradient.reduce((sum, g) => sum + g * g, 0);
}

if (import.meta.main) {
  const sizes = [500, 2_000, 8_000];
  console.log(`| | ${sizes.map((n) => `n = ${n}`).join(" | ")} | slope in n |\n|---|---|---|---|---|`);
  for (const [label, restartEvery] of [
    ["DP-GD (restartEvery = 1)", 1],
    ["DIFF2 (restartEvery = 8)", 8],
  ] as const) {
    const best: number[] = [];
    for (const n of sizes) {
      let least = Number.POSITIVE_INFINITY;
      for (const rounds of ROUNDS) least = Math.min(least, await squaredGradient({ n, rounds, restartEvery }));
      best.push(least);
    }
    const slope = Math.log(best.at(-1)! / best[0]!) / Math.log(sizes.at(-1)! / sizes[0]!);
    console.log(`| ${label} | ${best.map((value) => value.toPrecision(2)).join(" | ")} | ${slope.toFixed(2)} |`);
  }
}
