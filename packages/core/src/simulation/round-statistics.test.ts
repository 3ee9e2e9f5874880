import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import { simulateSmall, smallRun, smallSimulation } from "../conformance/small-live-run.ts";
import type { ArrayDataset } from "../data/index.ts";
import { randomStream, rootKey } from "../random/index.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { inProcessSimulation } from "./in-process.ts";
import { prepareRun } from "./prepare.ts";
import {
  dot,
  type Example,
  examplesOf,
  gradientOf,
  lossOf,
  minus,
  prepare,
  rounds,
  slope,
} from "./testing/logistic-by-hand.ts";

/** H g by differences of the gradient along itself. */
const secondOf = (examples: readonly Example[]) => (x: readonly number[]) => {
  const g = gradientOf(examples);
  const [at, h] = [g(x), 1e-5];
  const along = (t: number) => g(x.map((value, k) => value + t * at[k]!));
  return minus(along(h), along(-h)).map((value) => value / (2 * h));
};

describe("aligned gradients", () => {
  it.each([
    { gradient: 0.7, hessian: 0 },
    { gradient: 0, hessian: 0.9 },
    { gradient: 0.5, hessian: 0.4 },
  ])("are those of the penalty by hand, with the means of the round before: %o", async (alignment) => {
    const prepared = prepare({ rounds: 2, training: { alignment } });
    const [first, second] = await rounds(prepared);
    const start = Array.from(prepared.plan.initial);
    const clients = examplesOf(prepared);
    const meanOf = (of: typeof gradientOf) => {
      const [a, b] = clients.map((examples) => of(examples)(start));
      return a!.map((x, k) => (x + b![k]!) / 2);
    };
    const [g, h] = [meanOf(gradientOf), meanOf(secondOf)];
    const objective = (examples: readonly Example[]) => (x: readonly number[]) => {
      const [apart, along] = [minus(gradientOf(examples)(x), g), minus(secondOf(examples)(x), h)];
      return lossOf(examples)(x) + alignment.gradient * dot(apart, apart) + alignment.hessian * dot(along, along);
    };
    const plain = clients.map((examples) => gradientOf(examples)(start));
    expect(first).toEqual(start.map((x, k) => expect.closeTo(x - 0.25 * (plain[0]![k]! + plain[1]![k]!), 9)));
    const slopes = clients.map((examples) => slope(objective(examples), first!, 1e-4));
    const expected = first!.map((x, k) => x - 0.25 * (slopes[0]![k]! + slopes[1]![k]!));
    expect(second).toEqual(expected.map((x) => expect.closeTo(x, 6)));
  });

  it("costs nothing at strength 0, where the run is a plain one", async () => {
    const [plain, off] = [prepare({ rounds: 3 }), prepare({ rounds: 3, training: { alignment: { gradient: 0 } } })];
    expect(off.plan.configHash).toBe(plain.plan.configHash);
    expect(off.simulation.task.program).toEqual(plain.simulation.task.program);
    expect(await rounds(off)).toEqual(await rounds(plain));
  });

  it("sends the head's two statistics up and down", () => {
    const { plan } = prepare({ rounds: 1, training: { alignment: { gradient: 1 } } });
    expect(plan.payloads.upload["alignment"]!.layout.size).toBe(2 * 9 + 1);
    expect(plan.payloads.broadcast["alignment"]!.size).toBe(2 * 9 + 1);
  });

  it.each(["fedprox", "scaffold", "fedadam", "fedmuon", "ditto"])("works with %s", async (name) => {
    const training = { batchSize: 4, localSteps: 2, learningRate: 0.1, alignment: { gradient: 1, hessian: 0.5 } };
    const { prepared } = smallSimulation({ name }, { training });
    const plain = smallSimulation({ name }, { training: { ...training, alignment: {} } });
    const [with_, without] = await Promise.all([simulateSmall(prepared), simulateSmall(plain.prepared)]);
    expect(with_.stopped).toBe("finished");
    expect(with_.parameters).not.toEqual(without.parameters);
  });

  it("continues a stopped run with the same bits", async () => {
    const { plan, simulation } = prepare({ rounds: 4, training: { alignment: { gradient: 1 } } });
    const run = async (stops: readonly number[]) => {
      const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
      for (const last of stops) {
        const { backend, evaluator, close } = await inProcessSimulation(simulation, interpreter());
        const stop = new AbortController();
        const result = await runFederation(plan, {
          ...{ backend, evaluator, ...stores, signal: stop.signal },
          emit: (event) => void (event.type === "round.finished" && event.round === last && stop.abort()),
        });
        await close();
        if (last === Infinity) return Array.from(result.parameters);
      }
      throw new Error("the last part ends with the run");
    };
    expect(await run([2, Infinity])).toEqual(await run([Infinity]));
  });

  it.each<[string, ConfigInput["algorithm"], ConfigInput, RegExp]>([
    [
      "noise",
      { name: "dp-fedavg" },
      { privacy: { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1 } },
      /Epsilon/,
    ],
    ["sums", { name: "fedavg" }, { secureAggregation: { protocol: "plain", range: 1 } }, /beside the sum/],
    ["clipped updates", { name: "fedavg" }, { aggregation: { clipNorm: 1 } }, /norm would be that of the statistics/],
    ["robust rules", { name: "fedavg" }, { aggregation: { rule: "norm-bound", norm: 1 } }, /compare the statistics/],
    ["nodes", { name: "dfedavg" }, { topology: { name: "ring" } }, /Without a server/],
    ["weights in two parts", { name: "fedavg" }, { adapters: { rank: 1, rule: "flora" } }, /in two parts/],
    ["models of clusters", { name: "ifca" }, {}, /one whole model/],
    ["personal heads", { name: "fedper" }, {}, /shared head/],
    ["parts", { name: "fedbcgd", blocks: 2 }, {}, /one whole model/],
    ["asynchronous rounds", { name: "fedbuff" }, {}, /alignment/],
  ])("are refused with %s", (_name, algorithm, more, message) => {
    const training = { batchSize: 4, localSteps: 1, alignment: { gradient: 1 } };
    expect(() => smallSimulation(algorithm, { ...more, training })).toThrow(message);
  });

  it("are refused in live runs", () => {
    const training = { batchSize: 4, localSteps: 1, alignment: { hessian: 1 } };
    expect(() => smallRun({ name: "fedavg" }, { training })).toThrow(/training.alignment.*live run/s);
  });
});

describe("aligned gradients of clients in two pixel domains", () => {
  /** Small grey images of three classes, which overlap. */
  const rows = 60;
  const images = (): ArrayDataset => {
    const stream = randomStream(rootKey(3));
    const labels = Uint8Array.from({ length: rows }, (_, i) => i % 3);
    const pixel = (label: number, j: number) => 128 + 60 * Math.sin((label + 1) * j) + 50 * stream.normal();
    const data = Array.from(labels).flatMap((label) => Array.from({ length: 16 }, (_, j) => pixel(label, j)));
    return {
      name: "images",
      features: { dtype: "uint8", shape: [rows, 1, 4, 4], data: new Uint8Array(Uint8ClampedArray.from(data)) },
      labels: { dtype: "uint8", shape: [rows], data: labels },
      classes: 3,
    };
  };

  async function trained(strength: number) {
    const config = resolveConfig({
      rounds: 200,
      data: { clients: 2, partition: { scheme: "iid" }, shift: { kind: "pixels", groups: 2 } },
      model: { name: "logistic" },
      sampler: { cohort: 2 },
      training: { batchSize: rows / 2, localSteps: 1, learningRate: 0.01, alignment: { gradient: strength } },
      evaluation: { every: 200 },
    });
    const identity = { name: "interpreter", version: "", fingerprint: "", float: "float64" } as const;
    const data = { train: images(), test: images() };
    const prepared = prepareRun(config, data, identity, 0, "domains");
    const x = (await rounds(prepared)).at(-1)!;
    const clients = examplesOf(prepared, (value) => value / 127.5 - 1);
    const [first, second] = clients.map((examples) => gradientOf(examples)(x));
    const apart = minus(first!, second!);
    return { apart: Math.sqrt(dot(apart, apart)), loss: lossOf(clients.flat())(x) };
  }

  it("come nearer to each other, at little cost", async () => {
    const [none, some, much] = [await trained(0), await trained(1), await trained(10)];
    expect(none.apart / some.apart).toBeGreaterThan(1.3);
    expect(none.apart / much.apart).toBeGreaterThan(2);
    for (const { loss } of [some, much]) expect(loss).toBeLessThan(1.02 * none.loss);
  });
});
