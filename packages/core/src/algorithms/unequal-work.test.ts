import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { arrayDataSpec } from "../client/data-source.ts";
import type { TaskSettings } from "../client/local-task.ts";
import { quadratic } from "../models/index.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { inProcessSimulation } from "../simulation/in-process.ts";
import { prepareQuadratics } from "../simulation/quadratics.ts";
import { simulationSpec } from "../simulation/simulation-spec.ts";
import type { Algorithm, ServerState } from "./algorithm.ts";
import { fedbcgdPlus } from "./fedbcgd-plus.ts";
import { fedcm } from "./fedcm.ts";
import { fedpac } from "./fedpac.ts";
import { mofedsam } from "./mofedsam.ts";
import { scaffold } from "./scaffold.ts";

const PLAIN: TaskSettings = { batchSize: 1, gradientClip: 0, momentum: 0, nesterov: false, weightDecay: 0 };
/** A curvature next to nothing and a minimum far away: the gradient is 2 wherever a client stands. */
const SLOPE = 2;
const [curvature, minimum] = [1e-12, -SLOPE / 1e-12];

/** One pass over clients of so many equal rows a round, weighted by them: client i takes sizes[i] steps. */
async function run(
  algorithm: Algorithm,
  sizes: readonly number[],
  changes: Partial<TaskSettings> = {},
): Promise<{ server: ServerState["vectors"][]; controls: (number | undefined)[] }> {
  const executor = interpreter();
  const everyone = [...sizes.keys()];
  const rounds = Array.from({ length: 5 }, () => everyone);
  const [a, b] = [sizes.map(() => [curvature]), sizes.map(() => [minimum])];
  const problem = { a, b, x0: [0], learningRate: 0.1, localSteps: 1, cohorts: rounds };
  const server: ServerState["vectors"][] = [];
  const watched: Algorithm = {
    ...algorithm,
    update(...args) {
      const next = algorithm.update(...args);
      server.push(next.vectors);
      return next;
    },
  };
  const { plan: equal, simulation } = prepareQuadratics(watched, problem, executor);
  const stages = { weighting: "examples", clipNorm: 0 } as const;
  const plan = { ...equal, stages };
  const features = { dtype: "float", shape: [1, 2], data: Float64Array.of(curvature, minimum) } as const;
  const labels = { dtype: "uint8", shape: [1], data: new Uint8Array(1) } as const;
  const rows = sizes.map((size) => new Int32Array(size));
  const unequal = simulationSpec({
    algorithm: watched,
    model: quadratic({ input: [2], inputType: "float" }),
    layout: plan.layout,
    payloads: plan.payloads,
    float: executor.float,
    training: { ...PLAIN, ...changes },
    budget: { localEpochs: 1 },
    stages,
    evaluationBatch: 1,
    sources: { train: arrayDataSpec(features, labels, rows), holdout: undefined, test: simulation.test },
  });
  const { backend, evaluator, close } = await inProcessSimulation(unequal, executor);
  const clientStates = memoryClientStates();
  await runFederation(plan, { backend, evaluator, checkpoints: memoryBlobStore(), clientStates, emit: () => {} });
  await close();
  const kept = await Promise.all(everyone.map((client) => clientStates.load(client)));
  return { server, controls: kept.map((state) => state?.["control"]?.[0]) };
}

describe("clients of unequal size, which take unequal numbers of steps", () => {
  it.each([
    ["FedCM", fedcm({ gradientShare: 0.3 })],
    ["MoFedSAM", mofedsam({ gradientShare: 0.3 })],
    ["FedPAC", fedpac({ optimizer: "sgd", directionShare: 0.7 })],
  ])("leave the direction of %s an average of gradients: (1 - 0.7^t) u", async (_name, algorithm) => {
    const { server } = await run(algorithm, [1, 2, 9]);
    for (const [i, vectors] of server.entries()) {
      expect(vectors["direction"]![0]).toBeCloseTo((1 - 0.7 ** (i + 1)) * SLOPE, 9);
    }
  });
});

describe("local momentum", () => {
  it.each([
    ["SCAFFOLD", scaffold(), 0.9, false],
    ["SCAFFOLD", scaffold(), 0.9, true],
    ["FedBCGD+", fedbcgdPlus({ blocks: 1 }), 0.5, false],
  ])("leaves the controls of %s gradients (%s, Nesterov: %s)", async (_name, algorithm, momentum, nesterov) => {
    const { server, controls } = await run(algorithm, [3, 8], { momentum, nesterov });
    for (const control of controls) expect(control).toBeCloseTo(SLOPE, 9);
    expect(server.at(-1)!["control"]![0]).toBeCloseTo(SLOPE, 9);
  });

  it.each([fedcm(), mofedsam()])("is refused for $name, which has one of its own", async (algorithm) => {
    await expect(run(algorithm, [1], { momentum: 0.5 })).rejects.toThrow(
      expect.objectContaining({ code: "config/conflict" }),
    );
  });
});
