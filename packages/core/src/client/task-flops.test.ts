import { countFlops, interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { createAlgorithm } from "../algorithms/registry.ts";
import { resolveConfig } from "../config/index.ts";
import { syntheticPopulation } from "../data/index.ts";
import { prepareRun } from "../simulation/prepare.ts";
import { drawnShare } from "./draws.ts";
import { taskFlops } from "./task-flops.ts";

const shape = [6];
const [batch, hidden, classes] = [4, 10, 3];

/** A run of a method on an MLP of 6 inputs, one hidden layer of 10 and 3 classes. */
function prepared(algorithm: { readonly name: string } & Readonly<Record<string, unknown>>) {
  const config = resolveConfig({
    data: { dataset: "synthetic", clients: 2, synthetic: { shape, classes, examples: 8 } },
    model: { name: "mlp", hidden: [hidden] },
    algorithm,
    training: { localSteps: 20, batchSize: batch },
    sampler: { cohort: 2 },
  });
  const { name, version, float } = interpreter();
  const { shape: _, ...spec } = config.data.synthetic;
  const data = syntheticPopulation(1, 2, { ...spec, shape } as never, 10);
  return prepareRun(config, data, { name, version, float, fingerprint: "" }, 0, "counted");
}

describe("the FLOPs of a client task", () => {
  it("are mostly those of its products: forward once, backward twice but for the inputs", () => {
    const { plan } = prepared({ name: "fedavg" });
    const forward = 2 * batch * (6 * hidden + hidden * classes);
    const backward = forward + 2 * batch * hidden * classes; // of weights; and of the hidden layer's outputs
    const { flopsPerStep } = plan.description;
    expect(flopsPerStep! - forward - backward).toBeGreaterThan(0);
    // activations, softmax and the step itself: a few operations for each activation and parameter
    expect(flopsPerStep! - forward - backward).toBeLessThan(10 * (batch * (6 + hidden + classes) + 103));
  });

  it("grow by the same amount with every step", () => {
    const { simulation } = prepared({ name: "local", optimizer: "soap" });
    const { program, draws } = simulation.task;
    const { flopsPerStep, flopsPerTask } = taskFlops(simulation.task);
    const counted = countFlops(program, { symbols: { K: 7, n: 8 }, expensiveShare: drawnShare(draws) });
    expect(flopsPerTask + 7 * flopsPerStep).toBe(counted);
  });

  it("differ between methods", () => {
    const perStep = (name: string, options = {}) => prepared({ name, ...options }).plan.description.flopsPerStep!;
    const fedavg = perStep("fedavg");
    expect(perStep("fedsam") / fedavg).toBeGreaterThan(1.9);
    expect(perStep("fedsam") / fedavg).toBeLessThan(2.4);
    expect(perStep("fednsam") / fedavg).toBeLessThan(1.3);
    // one step of ten estimates the curvature
    const sophia = perStep("local", { optimizer: "sophia" });
    expect(sophia / fedavg).toBeLessThan(2);
    expect(createAlgorithm("local", { optimizer: "sophia" }).client.draws).toBeDefined();
  });
});
