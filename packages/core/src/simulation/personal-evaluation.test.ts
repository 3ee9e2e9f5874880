import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import type { ConfigInput } from "../config/index.ts";
import { HEALTHY } from "../conformance/fault-source.ts";
import { SimulatedFederation } from "../conformance/simulated-federation.ts";
import { smallRun, smallSimulation } from "../conformance/small-live-run.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import type { EventOf } from "../round/events.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { personalModel } from "../round/personal-models.ts";
import { runFederation } from "../round/run.ts";
import { openAdapter } from "./adapter.ts";
import { inProcessSimulation } from "./in-process.ts";

const holdout = { clients: 4, holdout: 0.25, partition: { scheme: "iid" } };
const evaluated: ConfigInput = { data: holdout, evaluation: { clientEvery: 4 } };

/** The last evaluation on hold-outs, and what it was made of. */
async function lastEvaluation(algorithm: ConfigInput["algorithm"], more: ConfigInput = {}) {
  const { prepared } = smallSimulation(algorithm, { ...evaluated, ...more });
  const { plan, simulation } = prepared;
  const executor = interpreter();
  const { backend, evaluator } = await inProcessSimulation(simulation, executor);
  const adapter = await openAdapter(prepared, executor);
  const clientStates = memoryClientStates();
  const found: EventOf<"client.evaluation">[] = [];
  const emit = (event: { type: string }) =>
    void (event.type === "client.evaluation" && found.push(event as EventOf<"client.evaluation">));
  const stores = { checkpoints: memoryBlobStore(), clientStates };
  const result = await runFederation(plan, { backend, evaluator, adapter, ...stores, emit });
  return { event: found.at(-1)!, result, plan, evaluator, clientStates };
}

describe("evaluation on hold-outs", () => {
  it.each([
    { name: "ditto" },
    { name: "fedper" },
    { name: "pfedme", lambda: 2 },
  ])("is of the clients' own models, too: $name", async (algorithm) => {
    const { event, result, plan, evaluator, clientStates } = await lastEvaluation(algorithm);
    const accuracies: number[] = [];
    for (let client = 0; client < 4; client++) {
      const model = personalModel(plan, result.parameters, await clientStates.load(client));
      const [sums] = await evaluator.evaluateClients(model, client);
      accuracies.push(sums!.score / sums!.examples);
    }
    expect(event.personal!.accuracies).toEqual(accuracies);
    expect(event.personal!.mean).toBeCloseTo(accuracies.reduce((a, b) => a + b, 0) / 4, 12);
    expect(event.personal!.worstDecile).toBe(Math.min(...accuracies));
    expect(event.adapted).toBeUndefined();
    expect(result.history.at(-1)!.personalMean).toBe(event.personal!.mean);
  });

  it("knows no personal models where the method has none", async () => {
    const { event } = await lastEvaluation({ name: "scaffold" });
    expect([event.personal, event.adapted]).toEqual([undefined, undefined]);
    expect(Object.keys(event)).not.toContain("personal");
  });

  it("is of the adapted global model where the configuration adapts it, and changes no bit of the run", async () => {
    const evaluation = { clientEvery: 4, adaptEpochs: 3 };
    const { event, result } = await lastEvaluation({ name: "fedavg" }, { evaluation });
    expect(event.adapted!.accuracies.length).toBe(4);
    const plain = await lastEvaluation({ name: "fedavg" });
    expect(result.modelHash).toBe(plain.result.modelHash);
    expect(event.accuracies).toEqual(plain.event.accuracies);
    const { event: meta } = await lastEvaluation({ name: "perfedavg", alpha: 0.3 });
    expect(meta.adapted!.accuracies.length).toBe(4);
  });

  it("adapts by local SGD, as a federation of that client does in one round", async () => {
    const more = { data: { ...holdout, clients: 1 }, sampler: { cohort: 1 }, rounds: 1 };
    const one = { ...evaluated, ...more, evaluation: { clientEvery: 1, adaptEpochs: 1 } };
    const { prepared } = smallSimulation({ name: "fedavg" }, one);
    const adapter = (await openAdapter(prepared, interpreter()))!;
    const { plan } = prepared;
    const [first, again] = [await adapter.adapt(0, 1, plan.initial), await adapter.adapt(0, 1, plan.initial)];
    expect(first).toEqual(again);
    expect(first).not.toEqual(plan.initial);
    expect(await adapter.adapt(0, 2, plan.initial)).not.toEqual(first);
  });

  it("refuses to adapt without evaluations on hold-outs, and personal parameters", () => {
    const run = (algorithm: string, more: ConfigInput) => () => smallSimulation({ name: algorithm }, more);
    expect(run("fedavg", { evaluation: { adaptEpochs: 2 } })).toThrow(/evaluation.adaptEpochs/);
    expect(run("fedper", { ...evaluated, evaluation: { clientEvery: 1, adaptEpochs: 2 } })).toThrow(
      /evaluation.adaptEpochs/,
    );
  });

  it("leaves personal models with live clients, which keep them", async () => {
    const { config, prepared } = smallRun({ name: "ditto" }, evaluated);
    const result = await new SimulatedFederation(config, prepared, 1, HEALTHY).run();
    const last = result.history.at(-1)!;
    expect(last.clientMean).toBeGreaterThan(0);
    expect(last.personalMean).toBeUndefined();
  });
});
