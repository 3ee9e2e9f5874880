import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { createAlgorithm } from "../algorithms/registry.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { type RunEvent, renderEvent } from "../round/events.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { parseEvent } from "../round/parse-event.ts";
import { runFederation } from "../round/run.ts";
import { inProcessSimulation } from "./in-process.ts";
import { prepareQuadratics, type Quadratics } from "./quadratics.ts";

const problem: Quadratics = {
  a: [
    [1, 2],
    [3, 1],
  ],
  b: [
    [1, -1],
    [-1, 2],
  ],
  x0: [0, 0],
  learningRate: 0.1,
  localSteps: 3,
  cohorts: [[0, 1], [1]],
};

describe("gradients of a local step", () => {
  it.each([
    ["fedavg", {}, 1],
    ["scaffold", {}, 1],
    ["fedsam", { perturbationRadius: 0.05 }, 2],
    ["fedsam", { perturbationRadius: 0 }, 1],
    ["mofedsam", { perturbationRadius: 0.05 }, 2],
    ["fedspeed", { perturbationRadius: 0.05 }, 2],
  ])("of %s with %j are %d", (name, options, expected) => {
    const { simulation, plan } = prepareQuadratics(createAlgorithm(name, options), problem, interpreter());
    expect(simulation.gradientsPerStep).toBe(expected);
    expect(plan.description.gradientsPerStep).toBe(expected);
  });

  it("are announced with the run, and the local steps with each round", async () => {
    const executor = interpreter();
    const algorithm = createAlgorithm("fedsam", { perturbationRadius: 0.05 });
    const { plan, simulation } = prepareQuadratics(algorithm, problem, executor);
    const { backend, evaluator } = await inProcessSimulation(simulation, executor);
    const events: RunEvent[] = [];
    await runFederation(plan, {
      backend,
      evaluator,
      checkpoints: memoryBlobStore(),
      clientStates: memoryClientStates(),
      emit: (event) => void events.push(parseEvent(renderEvent(event))),
    });
    expect(events.find(({ type }) => type === "run.started")).toMatchObject({ gradientsPerStep: 2 });
    expect(events.flatMap((event) => (event.type === "round.finished" ? [event.steps] : []))).toEqual([6, 3]);
  });

  it("may be missing in the events of earlier versions", () => {
    const executor = { name: "interpreter", version: "1", fingerprint: "" };
    const old = { v: 1, at: "2026-01-02T00:00:00.000Z", type: "run.started", run: "r", name: "n", algorithm: "fedavg" };
    const counts = { parameters: 1, clients: 1, cohort: 1, rounds: 1, workers: 1, seed: 1 };
    const line = JSON.stringify({ ...old, model: "m", dataset: "d", executor, ...counts });
    expect(parseEvent(line)).not.toHaveProperty("gradientsPerStep");
  });
});
