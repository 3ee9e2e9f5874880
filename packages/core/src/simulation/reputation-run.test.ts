import { type AnabranchError, interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import { syntheticDataset } from "../data/index.ts";
import { rootKey } from "../random/index.ts";
import type { Backend } from "../round/backend.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import type { EventOf, RunEvent } from "../round/events.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { forLiveClients } from "./for-live-clients.ts";
import { inProcessSimulation } from "./in-process.ts";
import { prepareRun } from "./prepare.ts";

const executor = interpreter();
const part = (firstIndex: number, examples: number) =>
  syntheticDataset(rootKey(1), { shape: [1, 4, 4], classes: 3, examples, firstIndex });
const data = { train: part(0, 120), test: part(120, 30) };
const clients = 6;

function configOf(input: ConfigInput = {}) {
  return resolveConfig({
    rounds: 6,
    data: { clients, partition: { scheme: "iid" } },
    model: { name: "mlp", hidden: [5] },
    algorithm: { name: "rffl", warmup: 3 },
    training: { batchSize: 5, localSteps: 4, learningRate: 0.1 },
    sampler: { cohort: clients },
    attack: { name: "sign-flip", attackers: [2] },
    checkpoint: { every: 1 },
    ...input,
  });
}

function prepare(input: ConfigInput = {}) {
  const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;
  return prepareRun(configOf(input), data, identity, 0, "rffl");
}

async function play(
  { plan, simulation }: ReturnType<typeof prepare>,
  checkpoints = memoryBlobStore(),
  broken?: number,
) {
  const { backend, evaluator, close } = await inProcessSimulation(simulation, executor);
  const spoilt: Backend = {
    ...backend,
    async outcome(id) {
      const outcome = await backend.outcome(id);
      if ("update" in outcome && outcome.client === broken) outcome.update.vectors["delta"]!.fill(Number.NaN);
      return outcome;
    },
  };
  const events: RunEvent[] = [];
  const ports = { backend: spoilt, evaluator, checkpoints, clientStates: memoryClientStates() };
  const result = await runFederation(plan, { ...ports, emit: (event) => void events.push(event) });
  await close();
  const rounds = events.filter((event): event is EventOf<"round.finished"> => event.type === "round.finished");
  return { result, events, rounds, opinions: rounds.map(({ aggregation }) => aggregation!) };
}

describe("reputations in a run", () => {
  it("remove an attacker in the first round after the warm-up, by name, and list everyone's", async () => {
    const { opinions, events } = await play(prepare());
    expect(opinions.map(({ dropped = [] }) => dropped)).toEqual([[], [], [], [2], [], []]);
    expect(opinions.at(-1)!.selected).toEqual([0, 1, 3, 4, 5]);
    for (const { trust } of opinions) {
      expect(trust!.map(([client]) => client)).toEqual([0, 1, 2, 3, 4, 5]);
      expect(trust!.reduce((sum, [, value]) => sum + value, 0)).toBeCloseTo(1, 9);
    }
    expect(opinions.at(-1)!.trust![2]).toEqual([2, 0]);
    // the model of each client is judged on the test set
    const judged = events.findLast((event) => event.type === "node.evaluation")!;
    expect(judged.accuracies.length).toBe(clients);
  });

  it("count rewards as sent, and nothing of removed clients", async () => {
    const { rounds } = await play(prepare());
    const { size } = prepare().plan.layout;
    const [first, , , last] = rounds;
    // the whole model for everyone, and rewards of at most as many values with their places
    expect(first!.bytesDown).toBeGreaterThan(clients * 8 * size);
    for (const { bytesDown } of rounds.slice(1)) {
      expect(bytesDown).toBeGreaterThan(8 * size);
      expect(bytesDown).toBeLessThan(clients * (8 * size + size / 8 + 8 * 4 + 4));
    }
    const after = rounds[4]!;
    expect(after.bytesUp / last!.bytesUp).toBeCloseTo(5 / 6, 3);
  });

  it("are in the checkpoint: a run continues from the middle to the same bits", async () => {
    const whole = await play(prepare());
    const checkpoints = memoryBlobStore();
    const half = prepare({ rounds: 4 });
    await play(half, checkpoints);
    const { plan, ...rest } = prepare();
    const resumed = await play({ ...rest, plan: { ...plan, configHash: half.plan.configHash } }, checkpoints);
    expect(resumed.result.history.map(({ round }) => round)).toEqual([5, 6]);
    expect(resumed.result.modelHash).toBe(whole.result.modelHash);
    expect(resumed.opinions).toEqual(whole.opinions.slice(4));
  });

  it("remove a client whose updates are not finite, and the others stay finite", async () => {
    const { opinions, result } = await play(prepare({ attack: {} }), memoryBlobStore(), 4);
    expect(result.parameters.every(Number.isFinite)).toBe(true);
    expect(opinions[0]!.trust![4]).toEqual([4, 0]);
    expect(opinions.flatMap(({ dropped = [] }) => dropped)).toEqual([4]);
  });

  it("never remove everyone, even if all but one attack", async () => {
    const most = { name: "free-rider", noise: 1, attackers: [0, 1, 3, 4, 5] };
    const { opinions, result } = await play(prepare({ attack: most }));
    expect(result.parameters.every(Number.isFinite)).toBe(true);
    for (const { selected } of opinions) expect(selected!.length).toBeGreaterThan(0);
  });

  it.each<[string, ConfigInput, string]>([
    ["some of the clients in a round", { sampler: { cohort: 3 }, attack: {} }, "sampler"],
    ["secure aggregation", { secureAggregation: { protocol: "plain" }, attack: {} }, "secureAggregation.protocol"],
    ["a rule of the server", { aggregation: { rule: "median" } }, "aggregation.rule"],
    ["compressed broadcasts", { compression: { down: ["top-k density=0.1"] } }, "algorithm.name"],
  ])("refuse %s", (_what, input, where) => {
    try {
      prepare(input);
    } catch (error) {
      const { failure } = error as AnabranchError;
      expect(failure.code).toBe("config/conflict");
      expect(failure.where).toContain(where);
      return;
    }
    throw new Error("it was not refused");
  });

  it("are refused in live runs, where a server has one model for all", () => {
    const config = configOf({ attack: {} });
    expect(() => forLiveClients(prepare({ attack: {} }), config)).toThrow(/a model for each client/);
  });
});
