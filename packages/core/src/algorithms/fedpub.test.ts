import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import type { ConfigInput } from "../config/index.ts";
import { simulateSmall, smallSimulation } from "../conformance/small-live-run.ts";
import { entryView } from "../params/layout.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { personalModel } from "../round/personal-models.ts";
import { runFederation } from "../round/run.ts";
import { inProcessSimulation } from "../simulation/in-process.ts";
import type { RoundContext } from "./algorithm.ts";
import { STARTS } from "./client-starts.ts";
import { fedpub } from "./methods.ts";

const everyone: ConfigInput = { sampler: { cohort: 4 } };
const context = (more: Partial<RoundContext>): RoundContext => ({
  ...{ round: 1, cohortSize: 3, population: 3, learningRate: 1, localSteps: 1, weightedSteps: 1 },
  layout: smallSimulation({ name: "fedpub" }, everyone).prepared.plan.layout,
  ...more,
});

/** A run in process, with what clients keep at its end and the outputs that they sent in each round. */
async function observe(options: object, more: ConfigInput = {}) {
  const { prepared } = smallSimulation({ name: "fedpub", ...options }, { ...everyone, ...more });
  const { plan, simulation } = prepared;
  const { backend, evaluator } = await inProcessSimulation(simulation, interpreter());
  const clientStates = memoryClientStates();
  const outputs: Float64Array[] = [];
  const spied: typeof backend = {
    ...backend,
    async outcome(id) {
      const outcome = await backend.outcome(id);
      if ("update" in outcome) outputs.push(Float64Array.from(outcome.update.vectors["outputs"]!));
      return outcome;
    },
  };
  const stores = { checkpoints: memoryBlobStore(), clientStates };
  const result = await runFederation(plan, { backend: spied, evaluator, ...stores, emit: () => {} });
  const kept = await Promise.all([0, 1, 2, 3].map((client) => clientStates.load(client)));
  return { plan, result, kept, outputs };
}

describe("fedpub's server", () => {
  const layout = { ...context({}).layout, size: 2 };
  const state = { vectors: { parameters: Float64Array.of(1, 1) }, scalars: {} };
  const aggregate = {
    delta: Float64Array.of(1, 0, 3, 0, -1, 8),
    // the first two clients agree on two random inputs, and the third has the opposite
    outputs: Float64Array.of(2, 1, 4, 2, -2, -1),
  };
  const round = context({ layout, clients: [0, 1, 2], weights: [1, 1, 2] });

  it("mixes models by the cosine of their outputs", () => {
    const next = fedpub({ temperature: 1 }).update(state, aggregate, round);
    const [like, unlike] = [Math.E, 1 / Math.E];
    const mix = (a: number, b: number, c: number, x: number, y: number, z: number) =>
      (a * x + b * y + c * z) / (a + b + c);
    const starts = [...next.vectors[STARTS]!];
    const expected = [
      [mix(like, like, unlike, 2, 4, 0), mix(like, like, unlike, 1, 1, 9)],
      [mix(like, like, unlike, 2, 4, 0), mix(like, like, unlike, 1, 1, 9)],
      [mix(unlike, unlike, like, 2, 4, 0), mix(unlike, unlike, like, 1, 1, 9)],
    ].flat();
    for (const [k, value] of expected.entries()) expect(starts[k]).toBeCloseTo(value, 12);
    // newcomers have the mean by examples
    expect([...next.vectors.parameters]).toEqual([(2 + 4) / 4, (1 + 1 + 18) / 4]);
  });

  it("leaves the start of a client that failed", () => {
    const before = fedpub().update(state, aggregate, round);
    const some = { delta: aggregate.delta.subarray(0, 4), outputs: aggregate.outputs.subarray(0, 4) };
    const after = fedpub().update(before, some, context({ layout, clients: [0, 2], weights: [1, 1] }));
    const startOf = (vectors: typeof before.vectors, client: number) => [
      ...vectors[STARTS]!.subarray(2 * client, 2 * client + 2),
    ];
    expect(startOf(after.vectors, 1)).toEqual(startOf(before.vectors, 1));
    expect(startOf(after.vectors, 0)).not.toEqual(startOf(before.vectors, 0));
  });
});

describe("fedpub's clients", () => {
  it("send the outputs of their own models on the same inputs", async () => {
    const { outputs } = await observe({ probes: 5 });
    expect(outputs[0]!.length).toBe(5 * 3);
    const again = (await observe({ probes: 5 })).outputs;
    expect(again).toEqual(outputs);
    expect((await observe({ probes: 5, probeSeed: 1 })).outputs[0]).not.toEqual(outputs[0]);
    // without training all models are one, and act alike
    const still = await observe({ probes: 5, maskSparsity: 0 }, { training: { localSteps: 1, learningRate: 1e-300 } });
    for (const one of still.outputs) expect(one).toEqual(still.outputs[0]);
  });

  it("keep smaller masks the more their size costs, for weights alone", async () => {
    const sizes = [];
    for (const maskSparsity of [0, 0.5]) {
      const { kept, plan } = await observe({ maskSparsity });
      const { entries } = plan.payloads.clientState["mask"]!;
      expect(entries.map(({ name }) => name)).toEqual(["dense1.weight", "dense2.weight", "dense3.weight"]);
      const masks = kept.flatMap((state) => [...state!["mask"]!].map((m) => Math.abs(1 + m)));
      sizes.push(masks.reduce((a, b) => a + b, 0) / masks.length);
    }
    expect(sizes[1]).toBeLessThan(sizes[0]! - 0.1);
  });

  it("are served by their own start under their mask, whose small entries are 0", async () => {
    const { plan, result, kept } = await observe({ maskSparsity: 0.9 });
    const { layout, payloads } = plan;
    const start = Float64Array.from(result.parameters, (_, k) => k + 1);
    const own = personalModel(plan, start, kept[2]);
    let pruned = 0;
    for (const entry of layout.entries) {
      const place = payloads.clientState["mask"]!.entries.find(({ name }) => name === entry.name);
      const mask = place && [...entryView(kept[2]!["mask"]!, place)].map((m) => 1 + m);
      pruned += mask?.filter((m) => Math.abs(m) < 0.9).length ?? 0;
      const expected = [...entryView(start, entry)].map((value, k) => {
        const factor = mask?.[k] ?? 1;
        return Math.abs(factor) < 0.9 ? 0 : value * factor;
      });
      expect([...entryView(own, entry)]).toEqual(expected);
    }
    expect(pruned).toBeGreaterThan(0);
    expect(personalModel(plan, start, undefined)).toEqual(start);
  });

  it("train with personal layers of their own, too", async () => {
    const { prepared } = smallSimulation({ name: "fedpub" }, { ...everyone, parameters: { personal: "dense1" } });
    expect((await simulateSmall(prepared)).stopped).toBe("finished");
  });
});

describe("fedpub refuses", () => {
  it.each<[ConfigInput, RegExp]>([
    [{ sampler: { cohort: 2 } }, /cohort/],
    [{ parameters: { personal: "head" } }, /without a shared head/],
    [{ secureAggregation: { protocol: "bonawitz", range: 1 } }, /whose clients keep mask/],
    [{ privacy: { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1 } }, /whose clients keep mask/],
    [{ aggregation: { rule: "median" } }, /each delta, outputs by itself/],
    [{ model: { name: "mlp", norm: "batch" } }, /batch normalization/],
  ])("%j", (more, why) => {
    expect(() => smallSimulation({ name: "fedpub" }, { ...everyone, ...more })).toThrow(why);
  });
});
