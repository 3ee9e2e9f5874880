import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import type { ConfigInput } from "../config/index.ts";
import { simulateSmall, smallRun, smallSimulation } from "../conformance/small-live-run.ts";
import type { ArrayDataset } from "../data/index.ts";
import { harderExamples } from "../heterogeneity/index.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { inProcessSimulation } from "./in-process.ts";
import { type Example, examplesOf, gradientOf, prepare, probabilities, rounds } from "./testing/logistic-by-hand.ts";

const points = (): ArrayDataset => ({
  name: "points",
  features: { dtype: "float", shape: [24, 2], data: Float32Array.from({ length: 48 }, (_, i) => 2 * Math.sin(i * i)) },
  labels: { dtype: "uint8", shape: [24], data: Uint8Array.from({ length: 24 }, (_, i) => (i * i) % 3) },
  classes: 3,
});

const training = (more: object = {}) => ({ batchSize: 30, localSteps: 1, learningRate: 0.5, ...more });

describe("up-sampling", () => {
  it("begins again after the early rounds, with examples twice that the early model has not learned", async () => {
    const upSampling = { rounds: 2, minimumClass: 2 };
    const prepared = prepare({ rounds: 3, training: training({ upSampling }) }, points());
    const start = Array.from(prepared.plan.initial);
    const [early, again, last] = await rounds(prepared);
    expect(early).not.toEqual(start);
    expect(again).toEqual(start);
    const clients = examplesOf(prepared);
    const seen = clients.map((examples) => {
      const outputs = examples.map((one) => probabilities(one, early!));
      const twice = harderExamples(
        outputs,
        examples.map(({ label }) => label),
        2,
      );
      expect(twice.length).toBeGreaterThan(0);
      return [...examples, ...twice.map((k) => examples[k]!)];
    });
    const slopes = seen.map((examples: readonly Example[]) => gradientOf(examples)(start));
    const expected = start.map((x, k) => x - 0.25 * (slopes[0]![k]! + slopes[1]![k]!));
    expect(last).toEqual(expected.map((x) => expect.closeTo(x, 9)));
  });

  it("takes more steps in an epoch after the new start", async () => {
    const upSampling = { rounds: 2, minimumClass: 2 };
    const input = { batchSize: 1, localSteps: undefined, localEpochs: 1, learningRate: 0.1, upSampling };
    const { plan, simulation } = prepare({ rounds: 3, training: input }, points());
    const { backend, evaluator, close } = await inProcessSimulation(simulation, interpreter());
    const steps: number[] = [];
    const algorithm: typeof plan.algorithm = {
      ...plan.algorithm,
      update(state, aggregate, context) {
        steps.push(context.localSteps);
        return plan.algorithm.update(state, aggregate, context);
      },
    };
    const ports = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates(), emit: () => {} };
    await runFederation({ ...plan, algorithm }, { backend, evaluator, ...ports });
    await close();
    expect(steps.slice(0, 2)).toEqual([12, 12]);
    expect(steps[2]).toBeGreaterThan(12);
    expect(steps[2]).toBeLessThan(24);
  });

  it("repeats nothing where every class is small", async () => {
    const upSampling = { rounds: 1, minimumClass: 100 };
    const small = prepare({ rounds: 3, training: training({ upSampling }) }, points());
    const plain = prepare({ rounds: 2, training: training() }, points());
    const [[, second, third], [first]] = [await rounds(small), await rounds(plain)];
    // one step on all examples is the same in every round, up to the order of its sums
    expect(second).toEqual(first!.map((x) => expect.closeTo(x, 12)));
    expect(third).not.toEqual(second);
  });

  it("leaves a run without early rounds as it is", async () => {
    const [plain, off] = [prepare({}), prepare({ training: { upSampling: { rounds: 0, minimumClass: 5 } } })];
    expect(off.plan.configHash).toBe(plain.plan.configHash);
    expect(off.simulation.task).toEqual(plain.simulation.task);
  });

  it("continues a stopped run with the same bits, before and after the new start", async () => {
    const { prepared } = smallSimulation({ name: "fedavgm" }, { rounds: 5, training: small() });
    const { plan, simulation } = prepared;
    const run = async (...stops: number[]) => {
      const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
      let parameters: number[] = [];
      for (const last of [...stops, Infinity]) {
        const { backend, evaluator, close } = await inProcessSimulation(simulation, interpreter());
        const stop = new AbortController();
        const result = await runFederation(plan, {
          ...{ backend, evaluator, ...stores, signal: stop.signal },
          emit: (event) => void (event.type === "round.finished" && event.round === last && stop.abort()),
        });
        parameters = Array.from(result.parameters);
        await close();
      }
      return parameters;
    };
    const whole = await run();
    expect(await run(1)).toEqual(whole);
    expect(await run(2)).toEqual(whole);
    expect(await run(1, 4)).toEqual(whole);
  });

  const small = () => ({ batchSize: 4, localEpochs: 1, learningRate: 0.1, upSampling: { rounds: 2, minimumClass: 2 } });

  it.each(["fedprox", "fedsam", "fedadam", "fedmuon"])("works with %s", async (name) => {
    const { prepared } = smallSimulation({ name }, { training: small() });
    expect((await simulateSmall(prepared)).stopped).toBe("finished");
  });

  it.each<[string, ConfigInput["algorithm"], ConfigInput, RegExp]>([
    ["methods whose clients keep state", { name: "scaffold" }, {}, /keep state/],
    ["personal parameters", { name: "fedper" }, {}, /keep state/],
    ["feedback", { name: "fedavg" }, { compression: { up: ["top-k density=0.5"], feedback: "ef14" } }, /keep state/],
    ["weights in two parts", { name: "fedavg" }, { adapters: { rank: 1, rule: "flora" } }, /in two parts/],
    ["models of clusters", { name: "ifca" }, {}, /one whole model/],
    ["asynchronous rounds", { name: "fedbuff" }, {}, /asynchronous/],
    ["sums", { name: "fedavg" }, { secureAggregation: { protocol: "plain", range: 1 } }, /private updates/],
    ["an early end", { name: "fedavg" }, { stop: { patience: 2 } }, /early end/],
    ["no later rounds", { name: "fedavg" }, { rounds: 2 }, /fewer than all rounds/],
  ])("is refused with %s", (_name, algorithm, more, message) => {
    expect(() => smallSimulation(algorithm, { ...more, training: small() })).toThrow(message);
  });

  it("is refused in live runs", () => {
    expect(() => smallRun({ name: "fedavg" }, { training: small() })).toThrow(/training.upSampling.rounds.*live/s);
  });
});
