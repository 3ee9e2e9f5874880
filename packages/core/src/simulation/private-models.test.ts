import { add, constant, evaluate, matmul, mean, relu, softmaxCrossEntropy, type Tensor } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { trainInTwoStages, twoHeadLoss } from "../adapters/two-stage.ts";
import { openDataSource } from "../client/data-source.ts";
import { PERSONAL } from "../client/personal-half.ts";
import type { ConfigInput } from "../config/index.ts";
import { smallRun, smallSimulation } from "../conformance/small-live-run.ts";
import { type Method, observe, whole } from "../conformance/testing/observed-run.ts";
import { generatorPhase, type HypernetworkClient, headPhase } from "../heterogeneity/index.ts";
import type { Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import { localModel } from "./local-only.ts";

/** The tensors of a vector by name. */
function tensorsOf({ entries }: Layout, values: Vector): Record<string, Tensor> {
  const part = (offset: number, size: number) => Array.from(values.subarray(offset, offset + size));
  return Object.fromEntries(
    entries.map(({ name, offset, size, shape }) => [name, constant(part(offset, size), [...shape])]),
  );
}

function rowsOf(simulation: Awaited<ReturnType<typeof observe>>["simulation"], client: number) {
  const { features, labels } = openDataSource(simulation.train).load(client);
  return {
    x: constant(Array.from(features.data), [...features.shape]),
    y: constant(Array.from(labels.data), [...labels.shape], "int32"),
  };
}

function expectClose(got: Vector, { entries }: Layout, expected: Readonly<Record<string, Tensor>>): void {
  for (const { name, offset, size } of entries) {
    const values = evaluate(expected[name]!).data;
    for (let k = 0; k < size; k++) expect(got[offset + k], `${name}[${k}]`).toBeCloseTo(values[k]!, 11);
  }
}

const layer = (x: Tensor, parameters: Readonly<Record<string, Tensor>>, name: string) =>
  add(matmul(x, parameters[`${name}.weight`]!), parameters[`${name}.bias`]!);

describe("hyperfl", () => {
  const method = { name: "hyperfl", embedding: 2, hidden: 3, headSteps: 2, clip: 0.03 };

  it("trains a head, and then the network with the embedding, as the paper says", async () => {
    const training = { ...whole.training, momentum: 0.5, weightDecay: 0.01 };
    const { plan, simulation, updates, states } = await observe({ ...method, embeddings: "common" }, { training });
    const { split, personal } = plan.held!;
    const psi = tensorsOf(plan.layout, plan.initial);
    const own = tensorsOf(split.personal, personal);
    const shapes = { "dense1.weight": [2, 3], "dense1.bias": [3] };
    const maps = Object.keys(shapes).map((name) => {
      return [name, { weight: psi[`hypernetwork.${name}.map`]!, bias: psi[`hypernetwork.${name}.start`]! }];
    });
    const { "client.embedding": embedding, ...head } = own;
    const received: HypernetworkClient = {
      network: {
        hidden: { weight: psi["hypernetwork.hidden.weight"]!, bias: psi["hypernetwork.hidden.bias"]! },
        maps: Object.fromEntries(maps),
      },
      embedding: embedding!,
      head,
    };
    const { x, y } = rowsOf(simulation, 1);
    const loss = (theta: Record<string, Tensor>, phi: Record<string, Tensor>) =>
      mean(softmaxCrossEntropy(layer(relu(layer(x, theta, "dense1")), phi, "dense2"), y));
    const descent = { learningRate: 0.3, momentum: 0.5, weightDecay: 0.01 };
    const adapted = headPhase(received, shapes, [loss, loss], descent);
    const trained = generatorPhase(adapted, shapes, [loss, loss], { ...descent, clip: 0.03 });
    expectClose(states[1]![PERSONAL]!, split.personal, { ...trained.head, "client.embedding": trained.embedding });
    const moved = plan.initial.map((value, j) => value + updates.get(1)!["delta"]![j]!) as Vector;
    const after = Object.entries(trained.network.maps).flatMap(([name, { weight, bias }]) => [
      [`hypernetwork.${name}.map`, weight] as const,
      [`hypernetwork.${name}.start`, bias] as const,
    ]);
    const { weight, bias } = trained.network.hidden;
    const hidden = { "hypernetwork.hidden.weight": weight, "hypernetwork.hidden.bias": bias };
    expectClose(moved, plan.layout, { ...hidden, ...Object.fromEntries(after) });
    // the bound is below the gradients
    const unbounded = await observe({ ...method, embeddings: "common", clip: 50 }, { training });
    expect(unbounded.updates.get(1)).not.toEqual(updates.get(1));
  });

  it("has an embedding of each client's own, or a common one", async () => {
    const still = { training: { ...whole.training, learningRate: 1e-9 } };
    const first = async (embeddings: string) => {
      const { states, plan } = await observe({ ...method, embeddings }, still);
      const { offset, size } = plan.held!.split.personal.entries.find(({ name }) => name === "client.embedding")!;
      return states.map((state) => Array.from(state[PERSONAL]!.subarray(offset, offset + size)));
    };
    const [own, again, common] = [await first("own"), await first("own"), await first("common")];
    expect(again).toEqual(own);
    const apart = (vectors: number[][]) => Math.abs(vectors[0]![0]! - vectors[1]![0]!);
    expect(apart(own)).toBeGreaterThan(0.01);
    expect(apart(common)).toBeLessThan(1e-6);
  });

  it("sends its network alone", async () => {
    const { plan, messages } = await observe(method, { rounds: 2 });
    expect(plan.layout.entries.every(({ name }) => name.startsWith("hypernetwork."))).toBe(true);
    const names = new Set(messages.flatMap((message) => Object.keys(message)));
    expect([...names].sort()).toEqual(["delta", "parameters"]);
    for (const message of messages)
      for (const vector of Object.values(message)) expect(vector.length).toBe(plan.layout.size);
  });

  it("refuses a model that has nothing before its head", () => {
    const make = () => smallSimulation(method, { model: { name: "logistic" } });
    expect(make).toThrow(expect.objectContaining({ code: "method/generated" }));
  });
});

describe("pfedlora", () => {
  const method = { name: "pfedlora", rank: 2, share: 0.4, privateSteps: 2 };

  it("trains the private model, and then the adapter, on one loss", async () => {
    const { plan, simulation, updates, states } = await observe(method);
    const { split, personal } = plan.held!;
    const start = { own: tensorsOf(split.personal, personal), shared: tensorsOf(plan.layout, plan.initial) };
    const { x, y } = rowsOf(simulation, 2);
    const trained = trainInTwoStages(
      start,
      (own, shared) => {
        const h = relu(layer(x, own, "dense1"));
        const second = matmul(matmul(h, shared["adapter.first"]!), shared["adapter.last"]!);
        return twoHeadLoss({ own: layer(h, own, "dense2"), shared: second }, y, 0.4);
      },
      { steps: 2, learningRate: 0.3 },
    );
    expectClose(states[2]![PERSONAL]!, split.personal, trained.own);
    const adapter = plan.initial.map((value, j) => value + updates.get(2)!["delta"]![j]!) as Vector;
    expectClose(adapter, plan.layout, trained.shared);
  });

  it("is local training where the adapter has no share", async () => {
    const { plan, result, states } = await observe({ ...method, share: 0 }, { rounds: 3 });
    expect(result.parameters).toEqual(plan.initial);
    const alone = await observe({ name: "fedavg" }, { rounds: 3, baseline: "local-only" });
    for (const [client, state] of states.entries()) {
      const model = tensorsOf(alone.plan.layout, localModel(alone.plan.initial, alone.states[client]));
      expectClose(state[PERSONAL]!, plan.held!.split.personal, model);
    }
  });

  it("evaluates private models by their own heads", async () => {
    const data = { ...whole.data, holdout: 0.25 };
    const evaluation = { every: 1, clientEvery: 1 };
    const { events, states, plan, simulation } = await observe(method, { data, evaluation });
    const found = events.findLast((event) => event.type === "client.evaluation")!;
    const accuracies = states.map((state, client) => {
      const own = tensorsOf(plan.held!.split.personal, state[PERSONAL]!);
      const { features, labels } = openDataSource(simulation.holdout!).load(client);
      const x = constant(Array.from(features.data), [...features.shape]);
      const logits = evaluate(layer(relu(layer(x, own, "dense1")), own, "dense2")).data;
      const hits = Array.from(labels.data).filter((label, row) => {
        const of = Array.from(logits.subarray(3 * row, 3 * row + 3));
        return of.indexOf(Math.max(...of)) === label;
      });
      return hits.length / labels.data.length;
    });
    expect(found.personal!.accuracies).toEqual(accuracies);
  });
});

const METHODS: readonly [Method, string][] = [
  [{ name: "hyperfl", embedding: 2, hidden: 3 }, PERSONAL],
  [{ name: "pfedlora" }, PERSONAL],
  [{ name: "knfu" }, "model"],
  [{ name: "fedmd" }, "model"],
  [{ name: "fedd2s" }, "model"],
];

describe.each(METHODS)("what clients of %j keep", (method, kept) => {
  it("is in no message", async () => {
    const isLinear = kept === "model" && method!.name !== "fedd2s";
    const model = isLinear ? { name: "logistic" } : { name: "mlp", hidden: [3], activation: "gelu" };
    const { messages, states } = await observe(method, { rounds: 2, model });
    const sent = new Set(messages.flatMap((message) => Object.values(message).flatMap((vector) => Array.from(vector))));
    for (const state of states) {
      expect(state[kept]!.length).toBeGreaterThan(3);
      expect(Array.from(state[kept]!).filter((value) => sent.has(value))).toEqual([]);
    }
  });

  it("is none of a live server's business, which refuses it", () => {
    expect(() => smallRun(method!, whole)).toThrow(/in a live run|model for each client/);
  });
});

describe.each(METHODS)("training of %j", (method) => {
  it.each([
    ["alignment", { gradient: 1 }],
    ["alignment", { hessian: 1 }],
    ["calibration", { samples: 3 }],
    ["loss", { confusion: 1 }],
    ["upSampling", { rounds: 1 }],
  ])("refuses %s %j, which is made for one model", (key, value) => {
    const training = { ...whole.training, [key]: value };
    const make = () => smallSimulation(method, { ...whole, rounds: 4, training });
    expect(make).toThrow(new RegExp(`training.${key}.${Object.keys(value)[0]}.*theirs are private`, "s"));
  });
});

describe.each(["hyperfl", "pfedlora"])("the model of %s", (name) => {
  it.each([
    [{ parameters: { personal: "head" } }, /parameters.personal.*itself says/s],
    [{ parameters: { frozen: "dense1" } }, /parameters.frozen.*itself says/s],
    [{ adapters: { rank: 1 } }, /adapters.*another model/s],
    [{ model: { name: "mlp", initialWeights: "w.safetensors" } }, /model.initialWeights.*another model/s],
    [{ training: { ...whole.training, loss: { margin: 0.1 } } }, /training.loss.margin.*another model/s],
  ] as [ConfigInput, RegExp][])("is not configured by %j", (more, message) => {
    expect(() => smallSimulation({ name }, { ...whole, ...more })).toThrow(message);
  });

  it("is clipped and noised as any other under privacy of clients", async () => {
    const privacy = { mechanism: "gaussian", clipNorm: 1e-6, noiseMultiplier: 0, delta: 1e-3 } as const;
    const more = { privacy, sampler: { name: "poisson", cohort: 3 }, rounds: 2 } as const;
    const { prepared } = smallSimulation({ name }, { ...whole, ...more });
    expect(prepared.plan.stages.privacy).toMatchObject({ clipNorm: 1e-6 });
    const { plan, result } = await observe({ name }, more);
    const moved = Math.hypot(...result.parameters.map((value, j) => value - plan.initial[j]!));
    expect(moved).toBeGreaterThan(0);
    expect(moved).toBeLessThan(1e-5);
  });
});
