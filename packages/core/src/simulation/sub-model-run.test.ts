import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import type { ArrayDataset } from "../data/index.ts";
import type { Outcome } from "../round/backend.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import type { RunEvent } from "../round/events.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { forLiveClients } from "./for-live-clients.ts";
import { inProcessSimulation } from "./in-process.ts";
import { prepareRun } from "./prepare.ts";

const part = (n: number): ArrayDataset => ({
  name: "mine",
  features: { dtype: "float", shape: [n, 10], data: Float32Array.from({ length: 10 * n }, (_, i) => Math.sin(i * i)) },
  labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => i % 3) },
  classes: 3,
});

function prepare({ algorithm, ...input }: ConfigInput) {
  const config = resolveConfig({
    rounds: 2,
    data: { clients: 3, partition: { scheme: "iid" } },
    model: { name: "mlp", hidden: [16] },
    sampler: { cohort: 3 },
    ...input,
    algorithm: { name: "heterofl", ...algorithm },
    training: { batchSize: 2, localSteps: 2, learningRate: 0.1, ...input.training },
  });
  const executor = { name: "none", version: "", fingerprint: "", float: "float32" } as const;
  return { config, prepared: prepareRun(config, { train: part(18), test: part(6) }, executor, 0, "narrow") };
}

/** Outcomes of all clients in order, events, and the model after the run, with messages of float32 on the interpreter. */
async function run(input: ConfigInput) {
  const executor = { ...interpreter(), float: "float32" as const };
  const { plan, simulation } = prepare(input).prepared;
  const { backend, evaluator, close } = await inProcessSimulation(simulation, executor);
  const outcomes: Outcome[] = [];
  const events: RunEvent[] = [];
  const spied: typeof backend = {
    ...backend,
    async outcome(id) {
      const outcome = await backend.outcome(id);
      outcomes.push(outcome);
      return outcome;
    },
  };
  const ports = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
  const emit = (event: RunEvent) => void events.push(event);
  const { parameters } = await runFederation(plan, { backend: spied, evaluator, ...ports, emit });
  await close();
  return { plan, outcomes, parameters, finished: events.filter((event) => event.type === "round.finished") };
}

const ofWidth = (hidden: number) => 10 * hidden + hidden + hidden * 3 + 3;

describe("clients of other widths", () => {
  it("are sent their own models where they stop or come too late", async () => {
    const down = async (input: ConfigInput) => (await run(input)).finished.map(({ bytesDown }) => bytesDown);
    const all = await down({});
    expect(await down({ churn: { share: 2 / 3, from: 2 } })).toEqual(all);
    const slow = { devices: { speed: "list" as const, times: [1, 2, 3] } };
    expect(await down({ ...slow, schedule: { deadline: 1.5 } })).toEqual(all);
    expect(await down({ ...slow, schedule: { keep: 1 } })).toEqual(all);
    expect(await down({ ...slow, schedule: { keep: 1 }, churn: { share: 2 / 3, from: 1 } })).toEqual(all);
  });

  it("receive and send the floats of their own models", async () => {
    const { outcomes } = await run({ rounds: 1 });
    const bytes = outcomes.map((outcome) => ("update" in outcome ? [outcome.bytesDown, outcome.bytesUp] : []));
    const floats = [16, 8, 4].map((hidden) => 4 * ofWidth(hidden));
    for (const direction of [0, 1]) {
      const sizes = bytes.map((both) => both[direction]!);
      expect(sizes[0]! - sizes[1]!).toBeCloseTo(floats[0]! - floats[1]!, -2);
      expect(sizes[1]! - sizes[2]!).toBeCloseTo(floats[1]! - floats[2]!, -2);
      expect(sizes[2]! - floats[2]!).toBeLessThan(600);
      expect(sizes[2]!).toBeGreaterThan(floats[2]!);
    }
  });

  it("compute what a federation of a model of that width computes", async () => {
    const narrow = await run({ rounds: 1, algorithm: { widths: [0.25] } });
    const [first] = narrow.outcomes;
    const { plan } = narrow;
    const alone = await run({ rounds: 1, algorithm: { widths: [1] }, model: { name: "mlp", hidden: [4] } });
    expect(narrow.finished[0]!.flops).toBe(alone.finished[0]!.flops);
    if (!("update" in first!) || !("update" in alone.outcomes[0]!)) throw new Error("a client failed");
    expect(first.update.vectors["delta"]!.length).toBe(alone.plan.layout.size);
    // the units that nobody trains stay as they are
    const places = new Set(plan.payloads.places!(0, 1));
    for (const [j, value] of narrow.parameters.entries())
      if (!places.has(j)) expect(value).toBe(plan.initial[j]);
      else expect(Number.isFinite(value)).toBe(true);
  });

  it("are counted with the FLOPs of their models, a round for all that sent", async () => {
    const mixed = (await run({ rounds: 1 })).finished[0]!.flops!;
    const each = [1, 0.5, 0.25].map(
      async (width) => (await run({ rounds: 1, algorithm: { widths: [width] } })).finished[0]!.flops!,
    );
    const sum = (await Promise.all(each)).reduce((total, flops) => total + flops / 3, 0);
    expect(mixed).toBeCloseTo(sum, 6);
    const fedavg = (await run({ rounds: 1, algorithm: { name: "fedavg" } })).finished[0]!;
    expect(fedavg.flops).toBeUndefined();
  });

  it("train all units in time with FedRolex, and leading ones with HeteroFL", async () => {
    const moved = async (name: string) => {
      const { plan, parameters } = await run({ rounds: 16, algorithm: { name, widths: [0.25] } });
      return parameters.filter((value, j) => value !== plan.initial[j]).length;
    };
    expect(await moved("heterofl")).toBeLessThanOrEqual(ofWidth(4));
    expect(await moved("fedrolex")).toBeGreaterThan(0.9 * ofWidth(16));
  });
});

describe("what slices cannot do", () => {
  it.each<[string, ConfigInput, RegExp]>([
    ["compression up", { compression: { up: ["top-k density=0.1"] } }, /compression\.up.*\[\]/s],
    ["compression down", { compression: { down: ["top-k density=0.1"] } }, /compression\.down.*\[\]/s],
    ["personal layers", { parameters: { personal: "head" } }, /parameters\.personal.*nothing/s],
    ["frozen layers", { parameters: { frozen: ["dense1.weight"] } }, /parameters\.frozen.*nothing/s],
    ["adapters", { adapters: { rank: 2 } }, /adapters.*nothing/s],
    [
      "privacy",
      { privacy: { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1, delta: 1e-3 } },
      /privacy\.mechanism.*send parts/s,
    ],
    [
      "secure aggregation",
      { secureAggregation: { protocol: "bonawitz", range: 1 } },
      /secureAggregation\.protocol.*send parts/s,
    ],
    ["robust rules", { aggregation: { rule: "median", weighting: "uniform" } }, /aggregation\.rule.*"mean"/s],
    [
      "rounds without waiting",
      { schedule: { name: "buffered", buffer: 2 }, devices: { speed: "equal" } },
      /schedule\.name.*send parts/s,
    ],
    ["a model without hidden units", { model: { name: "logistic" } }, /no hidden units/],
  ])("is refused: %s", (_name, input, message) => {
    expect(() => prepare(input)).toThrow(message);
  });

  it("is refused for live clients", () => {
    const { prepared, config } = prepare({});
    expect(() => forLiveClients(prepared, config)).toThrow(/"heterofl".*one model for all/s);
  });
});
