import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { algorithms } from "../algorithms/registry.ts";
import type { ConfigInput } from "../config/index.ts";
import { configHash, resolveConfig } from "../config/index.ts";
import { simulateSmall, smallSimulation as smallRun } from "../conformance/small-live-run.ts";
import { entryView } from "../params/layout.ts";
import { encodeUpdate } from "../protocol/message.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { inProcessSimulation } from "./in-process.ts";
import type { PreparedRun } from "./prepare.ts";

const split: ConfigInput = { parameters: { personal: "head", frozen: ["dense1.weight"] } };

/** A run in process, with every message and every client's state at its end. */
async function observe({ plan, simulation }: PreparedRun) {
  const { backend, evaluator } = await inProcessSimulation(simulation, interpreter());
  const clientStates = memoryClientStates();
  const messages: Uint8Array[] = [];
  const names = new Set<string>();
  const spied: typeof backend = {
    ...backend,
    publish(version, broadcast) {
      for (const name of Object.keys(broadcast.vectors)) names.add(name);
      return backend.publish(version, broadcast);
    },
    async outcome(id) {
      const outcome = await backend.outcome(id);
      if ("update" in outcome) messages.push(encodeUpdate(outcome.update));
      return outcome;
    },
  };
  const stores = { checkpoints: memoryBlobStore(), clientStates };
  const result = await runFederation(plan, { backend: spied, evaluator, ...stores, emit: () => {} });
  const snapshot = await clientStates.snapshot();
  if (snapshot.kind !== "inline") throw new Error("in memory");
  return { result, messages, states: snapshot.states };
}

describe("personal and frozen parameters", () => {
  it("stay with clients, which train the one and not the other", async () => {
    const { prepared } = smallRun({ name: "fedavg" }, split);
    const { held, layout } = prepared.plan;
    expect(layout.entries.map(({ name }) => name)).toEqual(["dense1.bias", "dense2.bias", "dense2.weight"]);
    const { result, messages, states } = await observe(prepared);
    expect(result.parameters.length).toBe(layout.size);
    expect(states.length).toBe(4);
    for (const { vectors } of states) {
      expect(Object.keys(vectors)).toEqual(["personal"]);
      for (const entry of held!.split.personal.entries)
        expect(entryView(vectors["personal"]!, entry)).not.toEqual(entryView(held!.personal, entry));
    }
    const [first, second] = states;
    expect(first!.vectors["personal"]).not.toEqual(second!.vectors["personal"]);
    // head 2 x 3 + 3 and dense1.weight 2 x 3 are not in the messages
    const all = smallRun({ name: "fedavg" }).prepared;
    const { messages: whole } = await observe(all);
    expect(all.plan.layout.size - layout.size).toBe(15);
    expect(whole[0]!.length - messages[0]!.length).toBeGreaterThanOrEqual(15 * 8 - 16);
  });

  it("are moved as local SGD moves the whole model of one client", async () => {
    // one client, one round: a federation of one is local training
    const alone = { rounds: 1, data: { clients: 1, partition: { scheme: "iid" } }, sampler: { cohort: 1 } };
    const training = { batchSize: 4, localSteps: 5, learningRate: 0.1, momentum: 0.5, weightDecay: 0.01 };
    const personal = smallRun({ name: "fedavg" }, { ...alone, training, parameters: { personal: "head" } }).prepared;
    const whole = smallRun({ name: "fedavg" }, { ...alone, training }).prepared;
    const { result, states } = await observe(personal);
    const { result: reference } = await observe(whole);
    const { entries } = whole.plan.layout;
    for (const entry of personal.plan.layout.entries) {
      const same = entries.find(({ name }) => name === entry.name)!;
      const ours = entryView(result.parameters, entry);
      for (const [i, value] of entryView(reference.parameters, same).entries()) expect(ours[i]).toBeCloseTo(value, 14);
    }
    for (const entry of personal.plan.held!.split.personal.entries) {
      const same = entries.find(({ name }) => name === entry.name)!;
      const ours = entryView(states[0]!.vectors["personal"]!, entry);
      for (const [i, value] of entryView(reference.parameters, same).entries()) expect(ours[i]).toBeCloseTo(value, 14);
    }
  });

  it("leave a run alone whose lists are empty", async () => {
    const empty = { parameters: { personal: [], frozen: [] } };
    const [given, absent] = [smallRun({ name: "scaffold" }, empty), smallRun({ name: "scaffold" })];
    expect(configHash(given.config)).toBe(configHash(absent.config));
    expect(given.prepared.simulation.task.program.hash).toBe(absent.prepared.simulation.task.program.hash);
    expect((await simulateSmall(given.prepared)).modelHash).toBe((await simulateSmall(absent.prepared)).modelHash);
  });

  it("refuse a layer that is not there, and what leaves nothing to share", () => {
    const run = (parameters: ConfigInput["parameters"]) => () => smallRun({ name: "fedavg" }, { parameters });
    expect(run({ personal: "dense9" })).toThrow(expect.objectContaining({ code: "parameters/unknown" }));
    expect(run({ personal: "*" })).toThrow(expect.objectContaining({ code: "parameters/none-shared" }));
    expect(run({ frozen: "*" })).toThrow(expect.objectContaining({ code: "parameters/none-shared" }));
    expect(run({ personal: ["dense1"], frozen: ["*.bias"] })).toThrow(
      expect.objectContaining({ code: "parameters/twice" }),
    );
  });

  it("refuse a baseline and records as the unit of privacy", () => {
    expect(() => resolveConfig({ baseline: "local-only", parameters: { personal: "head" } })).toThrow(
      expect.objectContaining({ code: "config/conflict" }),
    );
    const privacy = { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1, delta: 1e-3 } as const;
    const training = { batchSize: 1, localEpochs: 1 };
    const records = { privacy, training, sampler: { name: "poisson", cohort: 2 } } as const;
    const run = (parameters: object) => () =>
      smallRun({ name: "diff2", protects: "records" }, { ...records, parameters });
    expect(run({ frozen: "dense1" })).not.toThrow();
    expect(run({ personal: "head" })).toThrow(/parameters.personal.*record-level/);
  });

  it("change nothing in what privacy of clients clips and adds", async () => {
    const privacy = { mechanism: "gaussian", clipNorm: 0.01, noiseMultiplier: 0, delta: 1e-3 } as const;
    const sampler = { name: "poisson", cohort: 3 } as const;
    const { prepared } = smallRun({ name: "dp-fedavg" }, { ...split, privacy, sampler });
    const { result } = await observe(prepared);
    expect(result.stopped).toBe("finished");
  });
});

const privacy = { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 0.1, delta: 1e-3 } as const;
const noise: ConfigInput = { privacy, sampler: { name: "poisson", cohort: 3 } };
const everyone: ConfigInput = { sampler: { cohort: 4 } };
const ring: ConfigInput = { topology: { name: "ring" }, sampler: { cohort: 4 } };
const late: ConfigInput = { devices: { speed: "exponential" }, schedule: { period: 1 } };

/** What methods need beside the small run. */
const NEEDS: Readonly<Record<string, readonly [options: object, more: ConfigInput]>> = {
  local: [{ optimizer: "adam" }, {}],
  fedpac: [{ optimizer: "adamw" }, {}],
  ...Object.fromEntries(
    ["fedcac", "fedpub", "rffl", "ocfl", "adaptive-clusters", "streaming-diloco"].map((name) => [name, [{}, everyone]]),
  ),
  partialfed: [{ keeps: [[]] }, {}],
  fot: [{}, { taskStream: { kind: "permuted-pixels", tasks: 2, roundsPerTask: 1 } }],
  fedfix: [{}, late],
  fedcompass: [{}, { devices: { speed: "exponential" } }],
  "async-fedavg": [{}, { devices: { speed: "exponential" } }],
  ...Object.fromEntries(
    ["dfedavg", "dfedsam", "monna", "scclip", "vcgossip", "single-merging"].map((name) => [name, [{}, ring]]),
  ),
};

/** Their clients send slopes along directions that everyone draws for the whole model. */
const SEEDED = ["fedkseed", "ferret", "onebyte"];

describe.each(SEEDED)("%s", (name) => {
  it.each([
    ["personal", "head"],
    ["frozen", ["dense1.weight"]],
  ])("refuses %s parameters", (key, value) => {
    expect(() => smallRun({ name }, { rounds: 2, parameters: { [key]: value } })).toThrow(
      new RegExp(`parameters.${key}.*directions have a number for every parameter`),
    );
  });
});

it("bristle refuses personal parameters", () => {
  const among: ConfigInput = { ...ring, data: { clients: 4, holdout: 0.25, partition: { scheme: "iid" } } };
  expect(() => smallRun({ name: "bristle" }, { ...among, parameters: { personal: "head" } })).toThrow(
    /parameters.personal.*its own body/s,
  );
});

/** Their head is part of the method, so it is shared. */
const SHARED_HEADS = ["fedloge", "fedpub", "fraug"];

describe.each(SHARED_HEADS)("%s", (name) => {
  it("refuses a personal head", () => {
    const model = { name: "mlp", hidden: [4] } as const;
    const [, more] = NEEDS[name] ?? [{}, {}];
    expect(() => smallRun({ name }, { ...more, model, parameters: { personal: "head" } })).toThrow(
      /without a shared head/,
    );
  });
});

/** Parts of the model travel, and those parts are of all parameters. */
const SUB_MODELS = [
  ["heterofl", /parameters.personal.*Slices are of all parameters/s],
  ["fedconv", /data.publicExamples.*nothing/s],
  ["fedrolex", /parameters.personal.*Slices are of all parameters/s],
  ["hidenseek", /flow through this model is not known.*without \[parameters\]/s],
] as const;

it.each(SUB_MODELS)("%s refuses personal parameters", (name, message) => {
  expect(() => smallRun({ name }, { ...split })).toThrow(message);
});

/** Clients share the head alone, as the method says. */
const HEADERS = ["fedgh"];

describe.each(HEADERS)("%s", (name) => {
  it.each([
    [{ personal: "head" }, "without a shared head"],
    [{ personal: "dense1" }, "dense2.bias, dense2.weight"],
  ])("refuses %j", (parameters, received) => {
    expect(() => smallRun({ name }, { parameters })).toThrow(new RegExp(received));
  });
});

it("ggeur refuses personal parameters", () => {
  expect(() => smallRun({ name: "ggeur" }, { ...everyone, parameters: { personal: "head" } })).toThrow(/are fixed/);
});

/** Their clients keep whole models; private-models.test.ts has how they refuse. */
const WHOLE_MODELS = ["fedd2s", "fedmd", "hyperfl", "knfu", "pfedlora"];

/** Their clients keep adapters and heads; dual-adapters.test.ts has how they refuse. */
const ADAPTERS = ["feddat"];

/** Their clients train what the method says; split-run.test.ts has how they refuse. */
const SPLIT = ["sfprompt"];

const REFUSING = [
  ...SEEDED,
  ...SHARED_HEADS,
  ...SUB_MODELS.map(([name]) => name),
  ...WHOLE_MODELS,
  ...ADAPTERS,
  ...SPLIT,
  "bristle",
  "ggeur",
  ...HEADERS,
];
const KEEPING = algorithms.map(({ name }) => name).filter((name) => !REFUSING.includes(name));

describe.each(KEEPING)("%s", (name) => {
  it("trains with personal and frozen parameters", async () => {
    const [options, more] = NEEDS[name] ?? [{}, {}];
    const isPrivate = name.startsWith("diff2") || name.startsWith("dp-");
    const all = { rounds: 2, ...more, ...(isPrivate ? noise : {}), ...split };
    const { prepared } = smallRun({ name, ...options }, all);
    const { result, states } = await observe(prepared);
    expect(result.stopped).toBe("finished");
    expect(states.length).toBeGreaterThan(0);
    const { personal } = prepared.plan.held!;
    for (const { vectors } of states) expect(vectors["personal"]).not.toEqual(personal);
  });
});
