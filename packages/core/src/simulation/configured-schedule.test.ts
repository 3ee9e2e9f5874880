import { describe, expect, it } from "vitest";
import { createAlgorithm } from "../algorithms/registry.ts";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import { layout } from "../params/layout.ts";
import { configuredDurations } from "./client-times.ts";
import { configuredSchedule, scheduleWarnings } from "./configured-schedule.ts";

const model = layout(["a", "b"].map((name) => ({ name, shape: [4, 4], role: "matrix", block: name })));

function schedule(name: string, more: ConfigInput = {}) {
  const config = resolveConfig({ data: { clients: 20 }, ...more });
  const algorithm = createAlgorithm(name, name === "rerce" ? { proximalStrength: 1 } : {});
  const durations = configuredDurations(config, undefined);
  const clients = { population: 20, durations, examples: () => Array.from({ length: 20 }, (_, client) => client + 1) };
  return configuredSchedule(config, algorithm, algorithm.payloads(model), clients);
}

const devices: ConfigInput = { devices: { speed: "list", times: [1, 2, 5] } };
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

  it("is that which its method is made for", () => {
    expect(schedule("fedfix", { ...devices, schedule: { period: 2 } })).toMatchObject({
      name: "ticks",
      concurrency: 20,
    });
    const groups = { ...devices, training: { localSteps: 20 } };
    expect(schedule("fedcompass", groups).name).toBe("arrival-groups");
    expect(schedule("async-fedavg", devices)).toMatchObject({ name: "buffered", buffer: 1, concurrency: 20 });
    expect(schedule("fedfix", { schedule: { name: "synchronous" } }).name).toBe("synchronous");
  });

  it("weighs clients by how often they arrive and by their examples", () => {
    const factor = (name: string, client: number, more: ConfigInput) =>
      schedule(name, more).arrived({}, { client, time: 0, failed: false, staleness: 3 }).factor;
    const period: ConfigInput = { ...devices, schedule: { period: 2 }, aggregation: { weighting: "uniform" } };
    // times 1, 2, 5, 1, ...: 1, 1 and 3 ticks of 2 s
    expect([0, 1, 2].map((client) => factor("fedfix", client, period))).toEqual(
      [1, 1, 3].map((d) => expect.closeTo(d, 9)),
    );
    const bySize = { ...period, aggregation: {} };
    expect(factor("fedfix", 2, bySize)).toBeCloseTo((3 * 20 * 3) / 210, 9);
    const identical: ConfigInput = { ...devices, schedule: { weighting: "identical" } };
    expect(factor("async-fedavg", 2, identical)).toBe(20);
  });

  it.each<[string, string, ConfigInput, string]>([
    ["a deadline without devices", "fedavg", { schedule: { deadline: 5 } }, "schedule.deadline"],
    ["more updates than the cohort has", "fedavg", { ...devices, schedule: { keep: 11 } }, "schedule.keep"],
    ["a deadline of asynchronous rounds", "fedbuff", { ...devices, schedule: { deadline: 5 } }, "schedule.deadline"],
    [
      "over-selection under masks",
      "fedavg",
      {
        ...devices,
        schedule: { keep: 5 },
        secureAggregation: { protocol: "bonawitz" },
      },
      "secureAggregation.protocol",
    ],
    ["ticks without a period", "fedfix", devices, "schedule.period"],
    ["ticks without devices", "fedfix", { schedule: { period: 2, weighting: "identical" } }, "devices.speed"],
    ["unbiased weights without known times", "async-fedavg", {}, "schedule.weighting"],
    [
      "unbiased weights of times by order",
      "async-fedavg",
      {
        devices: { speed: "exponential", per: "order" },
      },
      "schedule.weighting",
    ],
    ["ticks of another method", "fedavg", { ...devices, schedule: { name: "ticks", period: 2 } }, "schedule.name"],
    ["a buffer of a method for ticks", "fedfix", { ...devices, schedule: { name: "buffered" } }, "schedule.name"],
    ["groups of epochs", "fedcompass", devices, "training.localEpochs"],
    [
      "fewer steps at most than at least",
      "fedcompass",
      {
        ...devices,
        training: { localSteps: 20 },
        schedule: { minSteps: 30, maxSteps: 10 },
      },
      "schedule.minSteps",
    ],
    [
      "weights for some of the clients",
      "fedfix",
      { ...devices, schedule: { period: 2, concurrency: 5 } },
      "schedule.concurrency",
    ],
    ["compensation of models", "fedasync", { schedule: { compensation: 1 } }, "schedule.compensation"],
    ["weights of a method that has none", "fedbuff", { schedule: { weighting: "unbiased" } }, "schedule.weighting"],
  ])("refuses %s", (_what, name, more, where) => {
    expect(() => schedule(name, more)).toThrow(
      expect.objectContaining({ code: "config/conflict", failure: expect.objectContaining({ where }) }),
    );
  });

  it("warns of keys that its schedule does not read", () => {
    const codes = (name: string, given: ConfigInput["schedule"]) =>
      scheduleWarnings(resolveConfig({ schedule: given }), createAlgorithm(name)).map(({ message }) => message);
    expect(codes("fedbuff", { buffer: 5, concurrency: 4, maxStaleness: 3 })).toEqual([]);
    expect(codes("fedavg", { buffer: 5 })).toEqual([expect.stringMatching(/buffer = 5 has no effect.*"synchronous"/)]);
    expect(codes("fedfix", { maxStaleness: 0, concurrency: 20 })).toEqual([
      expect.stringMatching(/maxStaleness = 0 has no effect.*"ticks"/),
    ]);
  });

  it.each([
    ["a deadline of 0", { schedule: { deadline: 0 } }, /schedule.deadline/],
    ["a half-life of 0", { schedule: { staleness: "half-life", stalenessRate: 0 } }, /stalenessRate/],
    ["a trace that is not named", { devices: { speed: "trace" } }, /devices.trace/],
    ["fast clients among clients that take no time", { sampler: { name: "latency" } }, /sampler.name.*latency/],
    ["a trace that is not used", { devices: { speed: "equal", trace: "a.csv" } }, /devices.trace/],
  ] as const)("refuses %s when it is configured", (_what, given: ConfigInput, message) => {
    expect(() => resolveConfig(given)).toThrow(message);
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
    expect(configuredDurations(resolveConfig({}), undefined)).toBeUndefined();
    const seeded = (seed: number) =>
      configuredDurations(resolveConfig({ seed, devices: { speed: "exponential" } }), undefined)!;
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
