import {
  algorithms,
  type Backend,
  type ClassifiedPoints,
  createAlgorithm,
  type Evaluator,
  inProcessSimulation,
  memoryBlobStore,
  memoryClientStates,
  openPublicTrainer,
  prepareProblem,
  type Quadratics,
  runFederation,
} from "@anabranch/core";
import { onnxruntimeNode } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { WorkerPool } from "./pool.ts";

const executor = await onnxruntimeNode();
const clients = 7;
const problem: Quadratics = {
  a: Array.from({ length: clients }, (_, i) => [1 + (i % 3), 2, 0.5 + i / 4, 1, 1 + i / 7, 3]),
  b: Array.from({ length: clients }, (_, i) => [i - 4, 1, -i / 2, 0.3, i / 9, -1]),
  x0: [0.1, -0.2, 0.3, 0, 0.5, -0.7],
  learningRate: 0.05,
  localSteps: 5,
  cohorts: [
    [0, 1, 2, 3, 4],
    [2, 3, 5, 6, 1],
    [6, 0, 4, 3, 5],
  ],
};
const matrix = { shape: [2, 3] };
/** Methods that need a head: coordinates that are in no block. */
const HEADS = ["fedloge", "partialfed"];
/** Methods that look at classes. */
const CLASSIFYING = ["fedd2s", "fedgh", "fraug", "ggeur"];
const points: ClassifiedPoints = {
  points: Array.from({ length: 42 }, (_, k) => [Math.sin(1.7 * k), Math.cos(2.3 * k), Math.sin(k * k)]),
  labels: Array.from({ length: 42 }, (_, k) => (k * k) % 3),
  owners: Array.from({ length: 42 }, (_, k) => k % clients),
  ...{ classes: 3, hidden: 5 },
  x0: Array.from({ length: 38 }, (_, k) => 0.5 * Math.sin(1 + 1.3 * k)),
  ...{ learningRate: 0.05, localSteps: 5, cohorts: problem.cohorts },
};
const divided = { blocks: { coordinates: [[0, 3], [1], [2, 4]] } };
const values = (n: number) => Array.from({ length: n }, (_, k) => Math.sin(k));
/** Methods that train two adapters of 2 units beside a frozen model. */
const ADAPTED = ["feddat"];
const adapted: ClassifiedPoints = { ...points, bottleneck: 2, x0: values(38 + 2 * (2 + 5 * 2 + 5 + 2 * 5)) };
/** Methods that cut a model between its layers. */
const SPLIT = ["sfprompt"];
const layered: ClassifiedPoints = { ...points, layers: 4, x0: values(20 + 3 * 30 + 18) };
/** Methods that train another model, with where that starts. */
const others: Readonly<Record<string, Partial<Quadratics>>> = {
  hyperfl: { x0: values(3 + 2 * 3 + 2 + 6 * 2 + 6) },
  pfedlora: { ...divided, x0: values(7) },
};
/** Their options. */
const sizes: Readonly<Record<string, object>> = { hyperfl: { embedding: 3, hidden: 2 } };

const optimizers = ["adamw", "muon", "sophia", "soap", "shampoo"].map((optimizer) => ({
  optimizer,
  ...(optimizer === "sophia" ? { estimator: "hutchinson" } : {}),
  ...(["sophia", "soap", "shampoo"].includes(optimizer) ? { refreshEvery: 2 } : {}),
}));

/** Every method, those with a choice of optimizers with each. */
const methods = algorithms.flatMap(({ name }): { name: string; options: Record<string, unknown> }[] =>
  name === "local" || name === "fedpac" ? optimizers.map((options) => ({ name, options })) : [{ name, options: {} }],
);

async function finalHash(
  { plan, publicTraining }: ReturnType<typeof prepare>,
  backend: Backend,
  evaluator: Evaluator,
): Promise<string> {
  const training = openPublicTrainer(publicTraining, executor);
  const ports = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates(), emit: () => {} };
  const { modelHash } = await runFederation(plan, { backend, evaluator, ...ports, trainer: training?.trainer });
  await training?.close();
  return modelHash;
}

function prepare(name: string, options: Record<string, unknown>) {
  if (ADAPTED.includes(name)) return prepareProblem(createAlgorithm(name, options), adapted, executor);
  if (SPLIT.includes(name)) return prepareProblem(createAlgorithm(name, options), layered, executor);
  if (CLASSIFYING.includes(name)) return prepareProblem(createAlgorithm(name, options), points, executor);
  const form = others[name] ?? (name.startsWith("fedbcgd") || HEADS.includes(name) ? divided : matrix);
  return prepareProblem(createAlgorithm(name, { ...sizes[name], ...options }), { ...problem, ...form }, executor);
}

describe("the same bits in-process and at 1 and 2 workers", () => {
  it.each(methods)("for $name $options", async ({ name, options }) => {
    const prepared = prepare(name, options);
    const { simulation } = prepared;
    const single = await inProcessSimulation(simulation, executor);
    const expected = await finalHash(prepared, single.backend, single.evaluator);
    await single.close();
    for (const workers of [1, 2]) {
      const pool = await WorkerPool.start(simulation, { executor: "onnxruntime-node", workers });
      expect(await finalHash(prepared, pool, pool)).toBe(expected);
      await pool.close();
    }
  });
});
