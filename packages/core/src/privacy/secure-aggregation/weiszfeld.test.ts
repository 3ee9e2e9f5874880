import { describe, expect, it } from "vitest";
import { aggregate } from "../../aggregation/robust/index.ts";
import { deriveKey, randomStream, rootKey } from "../../random/index.ts";
import { plain } from "./plain-protocol.ts";
import { bonawitz, lightsecagg } from "./protocols.ts";
import { type Quantization, quantize } from "./quantization.ts";
import { cachedCurves, testPorts } from "./testing/rounds.ts";
import { type HiddenMedianSettings, hiddenMedian, ownWeight } from "./weiszfeld.ts";

const ports = testPorts(cachedCurves());
const quantization: Quantization = { range: 8, bits: 22, maxWeight: 1, rounding: "stochastic" };
const settings: HiddenMedianSettings = {
  iterations: 4,
  smoothing: 0.5,
  quantization,
  firstRound: 1,
  rounding: (pass, client) => randomStream(deriveKey(rootKey(1), pass, client)),
};
const stream = randomStream(rootKey(5));
/** Seven that agree, and two that are far away. */
const updates = Array.from({ length: 9 }, (_, client) => ({
  client,
  update: Float64Array.from({ length: 6 }, (_, j) => (client < 7 ? 0 : -7) + Math.sin(j) + stream.uint32() / 2 ** 32),
  weight: 1 - client / 20,
}));

function inTheClear(of = updates) {
  const rule = { name: "geometric-median", iterations: 4, smoothing: 0.5 } as const;
  const weights = of.map(({ weight }) => weight);
  return aggregate(
    rule,
    of.map(({ update }) => update),
    { weights },
  ).aggregate;
}

describe("the geometric median of hidden updates", () => {
  it.each([
    plain(ports),
    bonawitz(ports),
    lightsecagg(ports, { threshold: 7, privacy: 2 }),
  ])("over $name is that of visible ones, up to rounding", async (protocol) => {
    const found = await hiddenMedian(protocol, updates, settings);
    if ("failure" in found) throw new Error(found.failure.message);
    const expected = inTheClear();
    for (const [j, value] of found.estimate.entries()) expect(Math.abs(value - expected[j]!)).toBeLessThan(1e-4);
    expect(found.survivors).toEqual(updates.map(({ client }) => client));
    // far from what the two far ones make of the mean
    const mean = updates.reduce((sum, { update }) => sum + update[0]!, 0) / 9;
    expect(Math.abs(found.estimate[0]! - mean)).toBeGreaterThan(0.5);
  });

  it("refuses a smoothing under which all weights are rounded to the least", async () => {
    const coarse = { ...settings, smoothing: 1e-6, quantization: { ...quantization, bits: 8 } };
    await expect(hiddenMedian(plain(ports), updates, coarse)).rejects.toThrow(/tell apart.*smoothing 0.000001/s);
  });

  it("costs as many sums as it has passes", async () => {
    const protocol = bonawitz(ports);
    const found = await hiddenMedian(protocol, updates, settings);
    if ("failure" in found) throw new Error(found.failure.message);
    const clients = updates.map(({ client }) => client);
    const once = await protocol.sum({
      ...{ round: 1, cohort: clients, present: clients, length: 7, maximum: 2 ** 22 - 1 },
      inputs: updates.map(({ client, update, weight }) => {
        return { client, values: quantize(update, weight, quantization, settings.rounding(0, client)) };
      }),
    });
    const bytes = (stages: readonly { up: Float64Array }[]) =>
      stages.reduce((sum, { up }) => sum + up.reduce((a, b) => a + b, 0), 0);
    expect(found.stages.length).toBe(5 * once.cost.stages.length);
    expect(bytes(found.stages)).toBe(5 * bytes(once.cost.stages));
  });

  it("continues without clients that drop out between passes", async () => {
    const leaves = (pass: number) => (pass === 2 ? new Map([[3, "mask" as const]]) : undefined);
    const found = await hiddenMedian(bonawitz(ports), updates, { ...settings, iterations: 12, dropOuts: leaves });
    if ("failure" in found) throw new Error(found.failure.message);
    expect(found.survivors).toEqual([0, 1, 2, 4, 5, 6, 7, 8]);
    const rule = { name: "geometric-median", iterations: 12, smoothing: 0.5 } as const;
    const left = updates.filter(({ client }) => client !== 3);
    const weights = left.map(({ weight }) => weight);
    const expected = aggregate(
      rule,
      left.map(({ update }) => update),
      { weights },
    ).aggregate;
    for (const [j, value] of found.estimate.entries()) expect(Math.abs(value - expected[j]!)).toBeLessThan(1e-3);
  });

  it("ends with a failure where too few are left, and with what it has cost", async () => {
    const leave = (pass: number) =>
      pass === 1 ? new Map([0, 1, 2, 3, 4, 5, 6, 7].map((c) => [c, "mask" as const])) : undefined;
    const found = await hiddenMedian(bonawitz(ports), updates, { ...settings, dropOuts: leave });
    expect(found).toHaveProperty("failure.code");
  });

  it("refuses a smoothing of 0, and an update that is not finite", async () => {
    await expect(hiddenMedian(plain(ports), updates, { ...settings, smoothing: 0 })).rejects.toThrow(/smoothing/);
    const broken = [
      { client: 0, update: Float64Array.of(Number.NaN), weight: 1 },
      { client: 1, update: [0], weight: 1 },
    ];
    await expect(hiddenMedian(plain(ports), broken, settings)).rejects.toThrow(/not finite/);
  });
});

it("a client weighs itself as the rule does, up to a common factor", () => {
  const far = { update: [3, 4], weight: 0.5 };
  expect(ownWeight(far, undefined, 0.1)).toBe(0.5);
  expect(ownWeight(far, Float64Array.of(0, 0), 0.1)).toBeCloseTo((0.5 * 0.1) / 5, 15);
  expect(ownWeight(far, Float64Array.of(3, 4), 0.1)).toBe(0.5);
});
