import { describe, expect, it } from "vitest";
import type { ConfigInput } from "../config/index.ts";
import { CHAOS, HEALTHY } from "../conformance/fault-source.ts";
import { SimulatedFederation } from "../conformance/simulated-federation.ts";
import { LIVE_METHODS, simulateSmall, smallRun, smallSimulation } from "../conformance/small-live-run.ts";
import { forLiveClients } from "../simulation/for-live-clients.ts";
import { describeTask, heldBlob, openTask } from "./task-description.ts";

/** Whether the eight bytes of a number are anywhere in a message. */
function holds(message: Uint8Array, value: number): boolean {
  const wanted = Buffer.from(Float64Array.of(value).buffer);
  return Buffer.from(message).includes(wanted);
}

describe("a live run", () => {
  for (const [name, algorithm] of Object.entries(LIVE_METHODS)) {
    it(`ends with the model of the simulation: ${name}`, async () => {
      const { config, prepared } = smallRun(algorithm);
      const result = await new SimulatedFederation(config, prepared, 1, HEALTHY).run();
      expect(result.stopped).toBe("finished");
      expect(result.history.map(({ clients }) => clients)).toEqual([3, 3, 3, 3]);
      expect(result.modelHash).toBe((await simulateSmall(prepared)).modelHash);
    });
  }

  it("has clients that derive the start of a model which does not travel, and check it", async () => {
    const { config, live } = smallRun({ name: "fedkseed", seeds: 16 });
    const described = describeTask(config, live);
    expect(openTask(described).task.replay!.start).toEqual(live.plan.initial);
    const failing = (code: string) => expect.objectContaining({ code }) as unknown as Error;
    const other = { ...described, start: { ...described.start!, hash: "00" } };
    expect(() => openTask(other)).toThrow(failing("live/version"));
    const { start: _, ...without } = described;
    expect(() => openTask(without)).toThrow(failing("live/version"));
  });

  it("has clients that derive where the adapters start, which alone are trained", async () => {
    const of = { model: { name: "mlp", hidden: [30, 20] }, adapters: { rank: 2 } } as const;
    const { config, prepared, live } = smallRun({ name: "fedkseed", seeds: 16 }, of);
    const result = await new SimulatedFederation(config, live, 1, HEALTHY).run();
    expect(result.modelHash).toBe((await simulateSmall(prepared)).modelHash);
  });

  it.each<NonNullable<ConfigInput["aggregation"]>>([
    { rule: "median" },
    { rule: "trimmed-mean", byzantine: 1, before: ["nnm"] },
    { rule: "centred-clipping", radius: 0.05 },
    { rule: "krum", byzantine: 0 },
  ])("ends with the model of the simulation under a robust rule: $rule", async (aggregation) => {
    const { config, prepared } = smallRun({ name: "fedavg" }, { aggregation });
    const result = await new SimulatedFederation(config, prepared, 1, CHAOS).run();
    expect(result.modelHash).toBe((await simulateSmall(prepared)).modelHash);
  });

  for (const feedback of ["none", "ef14", "ef21", "ef21+", "dgc"] as const) {
    it(`ends with the model of the simulation where uploads are compressed, with feedback ${feedback}`, async () => {
      const compression = { up: ["top-k density=0.3"], feedback };
      const { config, prepared } = smallRun({ name: "fedavg" }, { compression, aggregation: { weighting: "uniform" } });
      const result = await new SimulatedFederation(config, prepared, 1, HEALTHY).run();
      expect(result.modelHash).toBe((await simulateSmall(prepared)).modelHash);
    });
  }

  it.each([
    "fedavg",
    "scaffold",
  ])("ends with the model of the simulation with personal and frozen layers: %s", async (name) => {
    const parameters = { personal: "head", frozen: ["dense1.weight"] };
    const { config, prepared } = smallRun({ name }, { parameters });
    const { modelHash } = await simulateSmall(prepared);
    for (let seed = 1; seed <= 5; seed++) {
      const federation = new SimulatedFederation(config, prepared, seed, seed === 1 ? HEALTHY : CHAOS);
      const received: (string | Uint8Array)[] = [];
      federation.network.tap = (message) => void received.push(message);
      expect((await federation.run()).modelHash, `seed ${seed}`).toBe(modelHash);
      expect(federation.network).toBeDefined();
      const bytes = received.filter((message) => typeof message !== "string");
      expect(bytes.length).toBeGreaterThan(8);
      const { held } = prepared.plan;
      for (const message of bytes) {
        const text = new TextDecoder("latin1").decode(message);
        for (const { name: entry } of [...held!.split.personal.entries, ...held!.split.frozen.entries])
          expect(text).not.toContain(entry);
        for (const value of [...held!.frozen, ...held!.personal])
          expect(holds(message as Uint8Array, value)).toBe(false);
      }
    }
  });

  it.each([
    { rank: 2, rule: "fedit" },
    { rank: 2, rule: "ffa" },
    { rank: 2, rule: "flexlora" },
    { rank: 2, rule: "flora" },
    { rank: 2, rule: "fed-sb" },
    { shards: 2, shardPool: 1 },
  ] as const)("ends with the model of the simulation with adapters: %o", async (adapters) => {
    const { config, prepared } = smallRun({ name: "fedavg" }, { adapters });
    const { modelHash } = await simulateSmall(prepared);
    for (let seed = 1; seed <= 5; seed++) {
      const federation = new SimulatedFederation(config, prepared, seed, seed === 1 ? HEALTHY : CHAOS);
      expect((await federation.run()).modelHash, `seed ${seed}`).toBe(modelHash);
    }
  });

  it("sends clients the frozen parameters that come from a file", async () => {
    const values = { dtype: "F32" as const, shape: [2, 3], data: Float32Array.of(1, -2, 3, -1, 2, 0.5) };
    const of = (shape: number[]) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return { dtype: "F32" as const, shape, data: Float32Array.from({ length: size }, (_, i) => Math.cos(i)) };
    };
    const tensors = {
      ...{ "dense1.weight": values, "dense1.bias": of([3]), "dense2.weight": of([3, 2]), "dense2.bias": of([2]) },
      ...{ "dense3.weight": of([2, 3]), "dense3.bias": of([3]) },
    };
    const model = { name: "mlp", hidden: [3, 2], initialWeights: "base.safetensors" };
    const weights = { tensors, metadata: { anabranch: "1" } };
    const { config, prepared } = smallSimulation({ name: "fedavg" }, { model, adapters: { rank: 2 } }, { weights });
    const { modelHash } = await simulateSmall(prepared);
    for (let seed = 1; seed <= 5; seed++) {
      const federation = new SimulatedFederation(config, prepared, seed, seed === 1 ? HEALTHY : CHAOS);
      expect((await federation.run()).modelHash, `seed ${seed}`).toBe(modelHash);
    }
    const live = forLiveClients(prepared, config);
    const description = describeTask(config, live);
    const damaged = heldBlob(config, live)!.slice();
    damaged[damaged.length - 1]! ^= 1;
    expect(() => openTask(description, undefined, () => {}, damaged)).toThrow(
      expect.objectContaining({ code: "live/version" }),
    );
  });

  it("has clients refuse first values that are not the server's", () => {
    const { config, live } = smallRun({ name: "fedavg" }, { parameters: { personal: "head" } });
    const description = describeTask(config, live);
    const other = { ...description, parameters: { ...description.parameters!, key: [1, 2] as [number, number] } };
    expect(() => openTask(other)).toThrow(expect.objectContaining({ code: "live/version" }));
    const nothing = { ...description, parameters: { ...description.parameters!, personal: ["dense7"] } };
    expect(() => openTask(nothing)).toThrow(expect.objectContaining({ code: "parameters/unknown" }));
  });
  for (const downFeedback of ["none", "ef21"] as const) {
    it(`ends with the model and the bytes of the simulation where broadcasts are compressed, with ${downFeedback}`, async () => {
      const compression = { down: ["top-k density=0.3"], downFeedback, up: ["top-k density=0.3"] };
      const { config, prepared } = smallRun({ name: "fedavg" }, { compression });
      const result = await new SimulatedFederation(config, prepared, 1, HEALTHY).run();
      const simulated = await simulateSmall(prepared);
      expect(result.modelHash).toBe(simulated.modelHash);
      const down = ({ history }: typeof result) => history.map(({ bytesDown }) => bytesDown);
      expect(down(result)).toEqual(down(simulated));
    });
  }

  it("evaluates on examples that clients keep to themselves", async () => {
    const more = { data: { clients: 4, holdout: 0.25, partition: { scheme: "iid" } }, evaluation: { clientEvery: 2 } };
    const { config, prepared } = smallRun({ name: "fedavg" }, more);
    const means = (await simulateSmall(prepared)).history.map(({ clientMean }) => clientMean);
    const result = await new SimulatedFederation(config, prepared, 1, HEALTHY).run();
    expect(result.history.map(({ clientMean }) => clientMean)).toEqual(means);
    expect(means[1]).toBeGreaterThan(0);
  });

  it("keeps updates of the newest rounds, and no model that nobody trains on any more", async () => {
    const { config, prepared } = smallRun({ name: "fedavg" }, { rounds: 6 });
    const federation = new SimulatedFederation(config, prepared, 1, HEALTHY);
    await federation.run();
    expect(await federation.kept()).toMatchObject({ orders: 9, blobs: 9 });
  });

  it("ends with the same model whatever crashes, breaks and comes twice", async () => {
    const { config, prepared } = smallRun({ name: "scaffold" });
    const { modelHash } = await simulateSmall(prepared);
    const faults = new Map<string, number>();
    for (let seed = 1; seed <= 12; seed++) {
      const federation = new SimulatedFederation(config, prepared, seed, CHAOS);
      expect((await federation.run()).modelHash, `seed ${seed}`).toBe(modelHash);
      for (const [name, count] of Object.entries(federation.source.counts))
        faults.set(name, (faults.get(name) ?? 0) + count);
    }
    const expected = (Object.keys(CHAOS) as (keyof typeof CHAOS)[]).filter((name) => CHAOS[name] > 0);
    for (const name of expected) if (name !== "delay") expect(faults.get(name) ?? 0, name).toBeGreaterThan(0);
  });
});
