import {
  type HostTensor,
  interpreter,
  type LoopProgram,
  type Optimizer,
  onnxruntimeNode,
  shampoo,
  soap,
} from "@anabranch/engine";
import { descend } from "@anabranch/engine/testing";
import { describe, expect, it } from "vitest";
import type { Algorithm } from "../algorithms/algorithm.ts";
import { modelDelta } from "../algorithms/local-sgd.ts";
import { vectors } from "../algorithms/method.ts";
import { optimizerSteps } from "../algorithms/optimizer-steps.ts";
import { stepFrom } from "../algorithms/server.ts";
import { MODEL, weightedMean } from "../algorithms/shapes.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { inProcessSimulation } from "../simulation/in-process.ts";
import { prepareQuadratics } from "../simulation/quadratics.ts";
import { recording } from "../simulation/trace-federation.ts";

/** FedAvg whose clients take the steps of an optimizer with host kernels. */
function localSteps(optimizer: Optimizer): Algorithm {
  const body = vectors({ server: { parameters: MODEL }, upload: { delta: weightedMean(MODEL) } }).method({
    local: optimizerSteps({
      optimizer: () => optimizer,
      result: (y, _preconditioner, local) => ({ update: { delta: modelDelta(y, local) }, state: {} }),
    }),
    update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, 1, delta) }),
  });
  return { name: "local-steps", options: {}, ...body };
}

const a = [1, 2, 0.5, 3, 1.5, 0.25];
const b = [1, -1, 2, 0.5, -2, 3];
const shape = [2, 3];
const steps = 8;
const problem = {
  a: [a],
  b: [b],
  x0: [0.5, 0, -1, 2, 1, -0.5],
  learningRate: 0.1,
  localSteps: steps,
  cohorts: [[0]],
  shape,
};

/** The parameters after the local steps, gradients worked out one by one. */
async function plain(optimizer: Optimizer): Promise<number[]> {
  const start: HostTensor = { dtype: "float", shape, data: Float64Array.from(problem.x0) };
  const gradients: number[] = [];
  let x = problem.x0;
  for (let k = 1; k <= steps; k++) {
    gradients.push(...x.map((v, j) => a[j]! * (v - b[j]!)));
    const given: HostTensor = { dtype: "float", shape: [k, ...shape], data: Float64Array.from(gradients) };
    const { parameters } = await descend(optimizer, { x: start }, { x: given });
    x = Array.from(parameters["x"]!.data.slice(-6));
  }
  return x;
}

describe("a client whose optimizer calls host kernels", () => {
  it.each([
    { name: "shampoo", optimizer: shampoo({ epsilon: 0.01, refreshEvery: 3, weightDecay: 0.1 }) },
    { name: "soap", optimizer: soap({ epsilon: 1e-3, refreshEvery: 3 }) },
  ])("takes the steps of $name", async ({ optimizer }) => {
    const expected = await plain(optimizer);
    expect(expected).not.toEqual(await plain({ ...optimizer, refresh: () => undefined }));
    for (const executor of [interpreter(), await onnxruntimeNode()]) {
      const rounds: number[][] = [];
      const algorithm = recording(localSteps(optimizer), (parameters) => rounds.push(Array.from(parameters)));
      const { plan, simulation } = prepareQuadratics(algorithm, problem, executor);
      const { backend, evaluator, close } = await inProcessSimulation(simulation, executor);
      const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
      await runFederation(plan, { backend, evaluator, ...stores, emit: () => {} });
      await close();
      const digits = executor.float === "float64" ? 12 : 4;
      expect(rounds).toEqual([expected.map((v) => expect.closeTo(v, digits))]);
    }
  });

  it("asks for one gradient a step, and takes data and steps as views by their names", () => {
    const { simulation } = prepareQuadratics(localSteps(soap()), problem, interpreter());
    expect(simulation.gradientsPerStep).toBe(1);
    const { body, tail } = simulation.task.program as LoopProgram;
    const names = (ports: readonly { name: string }[]) => ports.map(({ name }) => name);
    expect(names(body.inputs)).toContain("data/features");
    expect(names(tail.inputs)).not.toContain("data/features");
    expect(names(body.outputs).filter((name) => name.includes("bases"))).toEqual([]);
  });
});
