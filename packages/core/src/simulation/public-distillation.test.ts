import { describe, expect, it } from "vitest";
import { openDataSource } from "../client/data-source.ts";
import type { ConfigInput } from "../config/index.ts";
import { smallSimulation } from "../conformance/small-live-run.ts";
import { type Method, observe, whole } from "../conformance/testing/observed-run.ts";
import type { Vector } from "../params/vector.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { localModel } from "./local-only.ts";

describe("knfu and fedmd", () => {
  const linear = { model: { name: "logistic" as const } };
  const method = { name: "knfu", sharpness: 2, distillationSteps: 2, distillationRate: 0.5 };
  const C = 3;

  const softmaxed = (logits: number[]) => {
    const exps = logits.map((value) => Math.exp(value));
    return exps.map((value) => value / exps.reduce((sum, each) => sum + each, 0));
  };
  const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

  /** The method in plain loops for a linear model: weights and biases of each client, [2 + 1][C]. */
  function plainRun(start: number[][], shards: { x: number[][]; y: number[] }[], open: number[][], rounds: number) {
    const models = shards.map(() => start.map((row) => [...row]));
    const outputs = (w: number[][], x: number[]) =>
      softmaxed(w[2]!.map((bias, c) => bias + x[0]! * w[0]![c]! + x[1]! * w[1]![c]!));
    const descend = (w: number[][], rows: number[][], targets: number[][], rate: number) => {
      const gradient = w.map((row) => row.map(() => 0));
      for (const [k, x] of rows.entries())
        for (const [c, p] of outputs(w, x).entries())
          for (const [j, value] of [...x, 1].entries())
            gradient[j]![c]! += ((p - targets[k]![c]!) * value) / rows.length;
      return w.map((row, j) => row.map((value, c) => value - rate * gradient[j]![c]!));
    };
    let fused: number[][][] | undefined;
    for (let round = 0; round < rounds; round++) {
      for (const [i, { x, y }] of shards.entries()) {
        for (let s = 0; s < 2 && fused !== undefined; s++) models[i] = descend(models[i]!, open, fused[i]!, 0.5);
        const targets = y.map((label) => Array.from({ length: C }, (_, c) => (c === label ? 1 : 0)));
        for (let k = 0; k < 2; k++) models[i] = descend(models[i]!, x, targets, 0.3);
      }
      const soft = models.map((w) => open.map((x) => outputs(w, x)));
      const priors = soft.map((rows) => rows[0]!.map((_, c) => total(rows.map((row) => row[c]!)) / rows.length));
      const kl = (p: number[], q: number[]) => total(p.map((value, c) => value * Math.log(value / q[c]!)));
      const weights = priors.map((p) => {
        const raw = priors.map((q) => Math.exp((-2 * (kl(p, q) + kl(q, p))) / 2));
        return raw.map((value) => value / total(raw));
      });
      fused = weights.map((row) =>
        open.map((_, k) => Array.from({ length: C }, (_unused, c) => total(row.map((a, j) => a * soft[j]![k]![c]!)))),
      );
    }
    return models;
  }

  it("follow plain loops over rounds", async () => {
    const { plan, simulation, states } = await observe(method, { ...linear, rounds: 3 });
    const pairs = (data: ArrayLike<number>) =>
      Array.from({ length: data.length / 2 }, (_, k) => [data[2 * k]!, data[2 * k + 1]!]);
    const source = openDataSource(simulation.train);
    const shards = [0, 1, 2, 3].map((client) => {
      const { features, labels } = source.load(client);
      return { x: pairs(features.data), y: Array.from(labels.data) };
    });
    const [bias, weight] = ["linear.bias", "linear.weight"].map(
      (name) => plan.layout.entries.find((entry) => entry.name === name)!,
    );
    const table = (values: Vector) =>
      [weight!.offset, weight!.offset + C, bias!.offset].map((from) => Array.from(values.subarray(from, from + C)));
    const models = plainRun(table(plan.initial), shards, pairs(simulation.task.publicFeatures!.data), 3);
    for (const [client, model] of models.entries())
      for (const [j, row] of table(states[client]!["model"]!).entries())
        for (const [c, value] of row.entries()) expect(value).toBeCloseTo(model[j]![c]!, 11);
  });

  it("are one method where unlike clients count as much", async () => {
    const run = async (given: Method) => (await observe(given, { rounds: 3 })).states;
    const { sharpness: _beta, ...plain } = method;
    expect(await run({ ...method, sharpness: 0 })).toEqual(await run({ ...plain, name: "fedmd" }));
    expect(await run({ ...method, sharpness: 5 })).not.toEqual(await run({ ...plain, name: "fedmd" }));
  });

  it("are local training without steps towards outputs", async () => {
    const { states } = await observe({ ...method, distillationSteps: 0 }, { rounds: 3 });
    const alone = await observe({ name: "fedavg" }, { rounds: 3, baseline: "local-only" });
    for (const [client, { model }] of states.entries()) {
      const expected = localModel(alone.plan.initial, alone.states[client]);
      for (const [j, value] of model!.entries()) expect(value).toBeCloseTo(expected[j]!, 14);
    }
  });

  it("give a client its own outputs where likeness is all", async () => {
    const { messages, updates } = await observe({ ...method, sharpness: 1e9 }, { rounds: 2, ...linear });
    const fused = messages.flatMap((message) => (message["fused"] === undefined ? [] : [message["fused"]]));
    expect(fused.length).toBe(4);
    const first = await observe({ ...method, sharpness: 1e9 }, linear);
    for (const [client, { knowledge }] of first.updates)
      for (const [k, value] of fused[client]!.entries()) expect(value).toBeCloseTo(knowledge![k]!, 9);
    expect(updates.get(0)).not.toEqual(first.updates.get(0));
  });

  it("send probabilities of public examples, and the model at a first visit alone", async () => {
    const { prepared, messages, updates, events } = await observe(method, { rounds: 3 });
    for (const { knowledge } of updates.values()) {
      expect(knowledge!.length).toBe(5 * C);
      for (let k = 0; k < 5; k++) expect(total(Array.from(knowledge!.subarray(C * k, C * k + C)))).toBeCloseTo(1, 12);
    }
    expect(new Set(messages.flatMap((message) => Object.keys(message)))).toEqual(
      new Set(["parameters", "knowledge", "fused"]),
    );
    const down = events.flatMap((event) => (event.type === "round.finished" ? [event.bytesDown] : []));
    const model = 4 * 8 * prepared.plan.layout.size;
    expect(down[0]! - down[1]!).toBeGreaterThan(model - 4 * 8 * 5 * C);
    expect(down[1]).toBe(down[2]);
  });

  it("continue from a checkpoint with the same models", async () => {
    const all = await observe(method, { rounds: 4 });
    const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
    await observe(method, { rounds: 4 }, { ...stores, rounds: 2 });
    const rest = await observe(method, { rounds: 4 }, stores);
    expect(rest.states).toEqual(all.states);
    expect(rest.updates).toEqual(all.updates);
  });

  it("take public examples out of the test set", async () => {
    const tested = (publicExamples: number) => {
      const { prepared } = smallSimulation(method, { ...whole, data: { ...whole.data, publicExamples } });
      const { test, task } = prepared.simulation;
      if (test.kind !== "arrays") throw new Error("in memory");
      const rows = (data: ArrayLike<number>) => Array.from({ length: data.length / 2 }, (_, k) => `${data[2 * k]}`);
      return { test: rows(test.features.data), open: rows(task.publicFeatures!.data), hash: prepared.plan.dataHash };
    };
    const [five, eight] = [tested(5), tested(8)];
    expect([five.test.length, five.open.length, eight.test.length, eight.open.length]).toEqual([4, 5, 1, 8]);
    expect(new Set([...five.test, ...five.open]).size).toBe(9);
    expect(five.hash).not.toBe(eight.hash);
    const { simulation } = smallSimulation({ name: "fedavg" }, whole).prepared;
    expect(simulation.task.publicFeatures).toBeUndefined();
    expect(simulation.test).toMatchObject({ features: { shape: [4, 2] } });
  });

  it.each([
    [{ data: { ...whole.data, publicExamples: 9 } }, /data.publicExamples.*9, of 9 test examples.*at most 8/s],
    [
      { data: { clients: 4, partition: { scheme: "iid" } } },
      /data.publicExamples.*nothing, with algorithm.name = "knfu"/s,
    ],
    [{ sampler: { cohort: 3 } }, /sampler.cohort.*all clients train/s],
    [{ parameters: { personal: "head" } }, /parameters.personal.*keep the whole model already/s],
    [{ compression: { up: ["top-k density=0.1"] } }, /compression.up.*have to stay such/s],
    [{ compression: { down: ["qsgd levels=4"] } }, /depends on what they keep/s],
    [
      { training: { ...whole.training, curriculum: { order: "easy-first" } } },
      /training.curriculum.order.*receive none/s,
    ],
    [{ aggregation: { rule: "median" } }, /aggregation.rule.*by itself/s],
    [{ attack: { name: "sign-flip", attackers: [2] } }, /attack.name.*send outputs/s],
    [
      { privacy: { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1, delta: 1e-3 } },
      /privacy.mechanism.*no mechanism is proved here/s,
    ],
    [{ secureAggregation: { protocol: "plain", range: 1 } }, /secureAggregation.protocol.*outputs of single clients/s],
  ] as [ConfigInput, RegExp][])("refuse %j", (more, message) => {
    expect(() => smallSimulation(method, { ...whole, ...more })).toThrow(message);
  });
});
