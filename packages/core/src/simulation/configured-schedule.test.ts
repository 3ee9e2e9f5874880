import { describe, expect, it } from "vitest";
import { createAlgorithm } from "../algorithms/registry.ts";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import { layout } from "../params/layout.ts";
import { configuredDurations, configuredSchedule } from "./configured-schedule.ts";

const model = layout(["a", "b"].map((name) => ({ name, shape: [4, 4], role: "matrix", block: name })));

function schedule(name: string, more: ConfigInput = {}) {
  const config = resolveConfig({ data: { clients: 20 }, ...more });
  const algorithm = createAlgorithm(name, name === "rerce" ? { proximalStrength: 1 } : {});
  return configuredSchedule(config, algorithm, algorithm.payloads(model), 20);
}

const buffered = { schedule: { name: "buffered" } } as const;

describe("the schedule of a configuration", () => {
  it("is synchronous, unless the method is asynchronous or it says otherwise", () => {
    expect(schedule("fedavg").name).toBe("synchronous");
    expect(schedule("fedbuff")).toMatchObject({ name: "buffered", buffer: 10 });
    expect(schedule("fedasync")).toMatchObject({ name: "buffered", buffer: 1 });
    expect(schedule("fedavg", buffered)).toMatchObject({ name: "buffered", buffer: 10 });
    expect(schedule("fedbuff", { schedule: { name: "synchronous" } }).name).toBe("synchronous");
    expect(schedule("fedasync", { schedule: { buffer: 4 } }).buffer).toBe(4);
  });

  it.each([
    ["several vectors", "scaffold", {}, "schedule.name"],
    ["sums", "fedau", {}, "schedule.name"],
    ["steps of a round", "fedcm", {}, "schedule.name"],
    ["parts", "fedbcgd", {}, "schedule.name"],
    ["models that are not mixed", "rerce", {}, "schedule.name"],
    ["noise", "fedbuff", { privacy: { mechanism: "gaussian" }, sampler: { name: "uniform" } }, "privacy.mechanism"],
    ["masks", "fedbuff", { secureAggregation: { protocol: "bonawitz" } }, "secureAggregation.protocol"],
    ["cohorts drawn by coins", "fedbuff", { sampler: { name: "poisson", cohort: 2 } }, "sampler.name"],
    ["more clients than there are", "fedbuff", { schedule: { concurrency: 21 } }, "schedule.concurrency"],
  ] as const)("refuses %s in asynchronous rounds", (_what, name, more: ConfigInput, where) => {
    const given = { ...more, schedule: { ...buffered.schedule, ...more.schedule } };
    expect(() => schedule(name, given)).toThrow(
      expect.objectContaining({ code: "config/conflict", failure: expect.objectContaining({ where }) }),
    );
  });
});

describe("speeds of devices", () => {
  it("are drawn from the seed, and absent by default", () => {
    expect(configuredDurations(resolveConfig({}))).toBeUndefined();
    const seeded = (seed: number) => configuredDurations(resolveConfig({ seed, devices: { speed: "exponential" } }))!;
    expect(seeded(1)(3, 1, 0)).toBe(seeded(1)(3, 1, 0));
    expect(seeded(1)(3, 1, 0)).not.toBe(seeded(2)(3, 1, 0));
  });

  it.each([
    { speed: "list", times: [] },
    { speed: "equal", times: [1] },
  ] as const)("refuse times that do not fit: %j", (devices) => {
    const input = { devices: { speed: devices.speed, times: [...devices.times] } };
    expect(() => resolveConfig(input)).toThrow(expect.objectContaining({ code: "config/conflict" }));
  });
});
