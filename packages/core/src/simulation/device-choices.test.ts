import { describe, expect, it } from "vitest";
import { storageBits, storedBytes, storedWeights } from "../adapters/index.ts";
import { type ConfigInput, configHash, resolveConfig } from "../config/index.ts";
import { alteredBackend } from "../conformance/run-cohort.ts";
import { simulateSmall, smallSimulation } from "../conformance/small-live-run.ts";
import { entryView } from "../params/layout.ts";
import type { Outcome } from "../round/backend.ts";

type Adapters = NonNullable<ConfigInput["adapters"]>;

const fedpipe: Adapters = {
  controller: "fedpipe",
  rule: "flexlora",
  rank: [2, 1],
  batches: [4, 2, 1],
  bits: [32, 4],
  targets: ["dense1", "dense2"],
};

/** Four clients; without other devices, those of even numbers are four times as fast as the others. */
const prepare = (more: ConfigInput = {}, adapters: Adapters = fedpipe) =>
  smallSimulation(
    { name: "fedavg" },
    {
      model: { name: "mlp", hidden: [70, 60] },
      sampler: { cohort: 4 },
      devices: { speed: "list", times: [1, 4] },
      adapters,
      ...more,
    },
  );

const choicesOf = (more: ConfigInput, adapters?: Adapters) =>
  prepare(more, adapters).prepared.plan.description.adapters;

async function runOf(more: ConfigInput, adapters?: Adapters) {
  const { prepared } = prepare(more, adapters);
  const seen: Outcome[] = [];
  const keep = (outcome: Outcome) => {
    seen.push(outcome);
    return outcome;
  };
  const { plan } = prepared;
  const times = [0, 1, 2, 3].map((client) => plan.durations!(client, 1, 0) / 1e6);
  const result = await simulateSmall(prepared, (backend) => alteredBackend(backend, keep));
  return { plan, times, seen, result };
}

describe("choices for devices", () => {
  it("are the largest of all where nothing limits them: the bits of one rank", async () => {
    expect(choicesOf({})).toBe(
      "fedpipe, by client number modulo 2: batch 4, rank 2, 32 bits; batch 4, rank 2, 32 bits",
    );
    const { result, times } = await runOf({});
    expect(times).toEqual([1, 4, 1, 4]);
    const plain: Adapters = { rank: 2, rule: "flexlora", targets: ["dense1", "dense2"] };
    expect(result.parameters).toEqual((await runOf({}, plain)).result.parameters);
  });

  it.each([3.5, 2, 1.2])("end within a deadline of %d s, where one choice for all would not", async (deadline) => {
    const { times, seen } = await runOf({ schedule: { deadline } });
    expect(Math.max(...times)).toBeLessThanOrEqual(deadline);
    expect(times[0]).toBe(1);
    expect(times[1]).toBeGreaterThan(0.3 * deadline);
    expect(seen.filter((outcome) => "update" in outcome)).toHaveLength(16);
  });

  it("fit into memory, where the batch goes before the rank and the rank before the bits", () => {
    const memory = (megabytes: number) => ({ devices: { speed: "none" as const, memory: [megabytes] } });
    const listed = [0.04, 0.03, 0.02, 0.015, 0.0125].map((size) => choicesOf(memory(size)));
    const found = listed.map((text) => /batch (\d+), rank (\d+), (\d+) bits/.exec(text!)!.slice(1).map(Number));
    for (const [i, one] of found.slice(1).entries()) {
      const [batch, rank, bits] = one as [number, number, number];
      const [before, rankBefore, bitsBefore] = found[i] as [number, number, number];
      const falls = batch < before || (batch === before && (rank < rankBefore || bits <= bitsBefore));
      expect(falls, `${found[i]} then ${one}`).toBe(true);
    }
    expect(found[0]).toEqual([4, 2, 32]);
    expect(found.at(-1)![2]).toBe(4);
  });

  it("are by both lists of devices", () => {
    const text = choicesOf({
      devices: { speed: "list", times: [1, 4], memory: [1, 1, 0.015] },
      schedule: { deadline: 2 },
    });
    expect(text).toMatch(/^fedpipe, by client number modulo 6: /);
    expect(text!.split(";")).toHaveLength(6);
  });

  it("give clients their batch, rank and stored weights", () => {
    const devices = { speed: "list" as const, times: [1, 4], memory: [1, 0.0125] };
    const { simulation, plan } = prepare({ devices }).prepared;
    const [large, small] = simulation.task.tiers!;
    expect(large!.batchSize).toBe(4);
    expect(small!.batchSize).toBeLessThan(4);
    expect(plan.partFlops![1]!.flopsPerStep).toBeLessThan(plan.partFlops![0]!.flopsPerStep);
    const { split, frozen } = plan.held!;
    expect(large!.held!.frozen).toEqual(frozen);
    for (const entry of split.frozen.entries) {
      const [whole, stored] = [entryView(frozen, entry), entryView(small!.held!.frozen, entry)];
      const isAdapted = /dense[12]\.weight/.test(entry.name);
      expect(stored).toEqual(isAdapted ? storedWeights(whole, 4) : whole);
      expect(new Set(stored).size < new Set(whole).size).toBe(isAdapted && entry.size > 16);
    }
  });

  it("leave the identity of runs without them alone", () => {
    const hash = (input: ConfigInput) => configHash(resolveConfig(input));
    const all = [{}, { bits: [4 as const] }, { batches: [8] }].map((more) =>
      hash({ adapters: { ...fedpipe, ...more } }),
    );
    expect(new Set(all).size).toBe(3);
    expect(Object.keys(resolveConfig({}).devices)).not.toContain("memory");
    expect(Object.keys(resolveConfig({}).adapters)).not.toContain("controller");
  });

  it.each<[string, string, ConfigInput, Adapters]>([
    ["config/conflict", "adapters.rank = 2", {}, { ...fedpipe, rank: 2 }],
    ["config/conflict", "rank = nothing", {}, { controller: "fedpipe" }],
    ["config/conflict", "adapters.bits", {}, { rank: 2, bits: [4] }],
    ["config/conflict", "adapters.batches", {}, { batches: [4] }],
    ["config/conflict", "devices.memory", { devices: { speed: "none", memory: [1] } }, { rank: [2, 1], rule: "flora" }],
    ["config/conflict", "adapters.rule", {}, { ...fedpipe, rule: "fedit" }],
    ["config/conflict", "flexlora", {}, { ...fedpipe, rule: "flora" }],
    ["config/conflict", "devices.times", { devices: { speed: "lognormal" } }, fedpipe],
    ["config/conflict", "localSteps", { training: { batchSize: 4, localEpochs: 1 } }, fedpipe],
    ["adapters/device", "candidates take", { schedule: { deadline: 0.01 } }, fedpipe],
    ["adapters/device", "devices.memory", { devices: { speed: "none", memory: [0.001] } }, fedpipe],
    ["adapters/rank", "Lower adapters.rank", {}, { ...fedpipe, rank: [100, 90] }],
  ])("are refused with %s (%s): %o %o", (code, words, more, adapters) => {
    expect(() => prepare(more, adapters)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(words) }),
    );
  });
});

describe("stored weights", () => {
  const values = Float32Array.from({ length: 130 }, (_, i) => Math.sin(i * i) * (1 + i));

  it("lose less with more bits, and nothing with 32", () => {
    const errors = storageBits.map((bits) => {
      const stored = storedWeights(values, bits);
      return Math.max(...values.map((value, i) => Math.abs(value - stored[i]!)));
    });
    expect(errors[0]).toBeGreaterThan(5 * errors[1]!);
    expect(errors[1]).toBeGreaterThan(0);
    expect(errors[2]).toBe(0);
    // half of a step of the largest of each block of 64
    for (const begin of [0, 64, 128]) {
      const block = values.subarray(begin, begin + 64);
      const stored = storedWeights(values, 8).subarray(begin, begin + 64);
      const half = Math.max(...block.map(Math.abs)) / 254;
      for (const [i, value] of block.entries()) expect(Math.abs(value - stored[i]!)).toBeLessThanOrEqual(half * 1.0001);
    }
  });

  it("take their bits and a scale for each block of 64", () => {
    expect(storageBits.map((bits) => storedBytes(130, bits))).toEqual([65 + 12, 130 + 12, 520]);
    expect(Array.from(storedWeights(new Float64Array(70), 8))).toEqual(Array.from({ length: 70 }, () => 0));
  });
});
