import { describe, expect, it } from "vitest";
import { type DeviceSettings, orderDurations } from "./device-times.ts";

const settings: DeviceSettings = { speed: "equal", seconds: 2, spread: 1, tail: 1.5, per: "client", times: [] };
const drawn = (change: Partial<DeviceSettings>, count = 4000) => {
  const duration = orderDurations({ ...settings, ...change }, 11);
  return Array.from({ length: count }, (_, client) => duration(client, 1, 0) / 1e6);
};

describe("durations of simulated clients", () => {
  it("are equal, or those of a list that is repeated", () => {
    expect(drawn({}, 3)).toEqual([2, 2, 2]);
    expect(drawn({ speed: "list", times: [1, 2.5] }, 3)).toEqual([1, 2.5, 1]);
  });

  it("have the mean of an exponential, and the median and spread of a log-normal distribution", () => {
    const exponential = drawn({ speed: "exponential" });
    // standard deviation of the mean of 4,000: 2 / sqrt(4000) = 0.03
    expect(exponential.reduce((a, b) => a + b) / 4000).toBeCloseTo(2, 0);
    const logs = drawn({ speed: "lognormal", spread: 1.5 }).map((seconds) => Math.log(seconds / 2));
    const mean = logs.reduce((a, b) => a + b) / 4000;
    expect(Math.abs(mean)).toBeLessThan(0.15);
    expect(Math.sqrt(logs.reduce((a, b) => a + (b - mean) ** 2, 0) / 4000)).toBeCloseTo(1.5, 0);
  });

  it("have the tail of a Pareto distribution", () => {
    const times = drawn({ speed: "pareto", tail: 1.5 });
    expect(Math.min(...times)).toBeGreaterThanOrEqual(2);
    // P(t > 8) = (2 / 8)^1.5 = 1 / 8, with a standard deviation of 0.0052
    expect(Math.abs(times.filter((seconds) => seconds > 8).length / 4000 - 1 / 8)).toBeLessThan(0.021);
  });

  it.each([
    "exponential",
    "lognormal",
    "pareto",
  ] as const)("%s: one for each client, or one for each of its orders", (speed) => {
    const [client, order] = (["client", "order"] as const).map((per) => orderDurations({ ...settings, speed, per }, 3));
    expect(client!(5, 1, 0)).toBe(client!(5, 9, 2));
    expect(new Set([order!(5, 1, 0), order!(5, 2, 0), order!(5, 1, 1), order!(6, 1, 0)]).size).toBe(4);
    expect(order!(5, 1, 0)).toBe(orderDurations({ ...settings, speed, per: "order" }, 3)(5, 1, 0));
    expect(Number.isSafeInteger(order!(5, 1, 0)) && order!(5, 1, 0) > 0).toBe(true);
  });
});
