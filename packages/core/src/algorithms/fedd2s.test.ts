import { describe, expect, it } from "vitest";
import { openDataSource } from "../client/data-source.ts";
import type { ConfigInput } from "../config/index.ts";
import { smallSimulation } from "../conformance/small-live-run.ts";
import { observe, whole } from "../conformance/testing/observed-run.ts";
import { cnn28x28 } from "../models/index.ts";
import { entryView, type Layout, layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { localModel } from "../simulation/local-only.ts";
import { fedd2s } from "./fedd2s.ts";

const C = 3;
/** Two stages, of 3 and 2 features. */
const deep: ConfigInput = { model: { name: "mlp", hidden: [3, 2] } };
const method = { name: "fedd2s", strength: 1.5, temperature: 2, dropEvery: 2, headSteps: 2, headLearningRate: 0.3 };

const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
const softmaxed = (logits: readonly number[], T = 1) => {
  const exps = logits.map((value) => Math.exp(value / T));
  return exps.map((value) => value / total(exps));
};
const meanRow = (rows: readonly (readonly number[])[]) =>
  rows[0]!.map((_, j) => total(rows.map((row) => row[j]!)) / rows.length);

/** Weights [in][out] and biases [out] of dense layers with relu between them. */
type Net = { w: number[][]; b: number[] }[];
const linear = ({ w, b }: Net[number], x: readonly number[]) =>
  b.map((bias, o) => bias + total(x.map((v, i) => v * w[i]![o]!)));

/** What every layer sees, and the logits. */
function forward(net: Net, x: number[]): number[][] {
  const seen = [x];
  for (const [k, one] of net.entries()) {
    const z = linear(one, seen[k]!);
    seen.push(k < net.length - 1 ? z.map((value) => Math.max(0, value)) : z);
  }
  return seen;
}

/** A step along the mean of slopes by the logits. */
function descended(net: Net, rows: readonly { x: number[]; slope: readonly number[] }[], rate: number): Net {
  const next = net.map(({ w, b }) => ({ w: w.map((row) => [...row]), b: [...b] }));
  for (const { x, slope } of rows) {
    const seen = forward(net, x);
    let back = [...slope];
    for (let k = net.length - 1; k >= 0; k--) {
      for (const [o, d] of back.entries()) {
        next[k]!.b[o]! -= (rate * d) / rows.length;
        for (const [i, value] of seen[k]!.entries()) next[k]!.w[i]![o]! -= (rate * d * value) / rows.length;
      }
      back = seen[k]!.map((value, i) => (value > 0 ? total(back.map((d, o) => d * net[k]!.w[i]![o]!)) : 0));
    }
  }
  return next;
}

interface Shard {
  readonly x: number[][];
  readonly y: number[];
}

/** The method in plain loops; the models of the clients, and the largest stage that is active in each round. */
function plainRun(start: Net, shards: readonly Shard[], rounds: number, localSteps = 2, rate = 0.3) {
  const { strength, temperature: T, dropEvery, headSteps, headLearningRate } = method;
  const widths = start.slice(1).map(({ w }) => w.length);
  const heads: Net = widths.map((q) => ({ w: Array.from({ length: q }, () => [0, 0, 0]), b: [0, 0, 0] }));
  let models = shards.map(() => start);
  const soft: (number[] | undefined)[][][] = shards.map(() => widths.map(() => []));
  for (let round = 0; round < rounds; round++) {
    const active = Math.max(1, widths.length - Math.floor(round / dropEvery));
    models = models.map((model, i) => {
      let net = model;
      for (let k = 0; k < localSteps; k++) {
        const rows = shards[i]!.x.map((x, n) => {
          const label = shards[i]!.y[n]!;
          const logits = forward(net, x).at(-1)!;
          const smooth = softmaxed(logits, T);
          const slope = softmaxed(logits).map((p, c) => {
            const pulls = soft[i]!.slice(0, active).map((of) => (of[label] ? smooth[c]! - of[label]![c]! : 0));
            return p - (c === label ? 1 : 0) + (strength / T / active) * total(pulls);
          });
          return { x, slope };
        });
        net = descended(net, rows, rate);
      }
      return net;
    });
    for (let stage = 0; stage < active; stage++) {
      const told = models.flatMap((net, i) =>
        Array.from({ length: C }, (_, label) => {
          const own = shards[i]!.x.filter((_x, n) => shards[i]!.y[n] === label).map((x) => forward(net, x));
          if (own.length < 2) return [];
          const z = meanRow(own.map((seen) => seen[stage + 1]!));
          return [{ i, label, z, p: meanRow(own.map((seen) => softmaxed(seen.at(-1)!, T))) }];
        }).flat(),
      );
      let head = [heads[stage]!];
      for (let s = 0; s < headSteps; s++) {
        const rows = told.map(({ label, z, p }) => {
          const logits = forward(head, z).at(-1)!;
          const smooth = softmaxed(logits, T);
          return {
            x: z,
            slope: softmaxed(logits).map((q, c) => q - (c === label ? 1 : 0) + (smooth[c]! - p[c]!) / T),
          };
        });
        head = descended(head, rows, headLearningRate);
      }
      heads[stage] = head[0]!;
      for (const { i, label, z } of told) soft[i]![stage]![label] = softmaxed(forward(head, z).at(-1)!, T);
    }
  }
  return models;
}

/** A model as a net. */
function netOf(values: Vector, { entries }: Layout): Net {
  const of = (name: string) => entries.find((entry) => entry.name === name)!;
  return [1, 2, 3].map((k) => {
    const [w, b] = [of(`dense${k}.weight`), of(`dense${k}.bias`)];
    const flat = Array.from(entryView(values, w));
    const [inputs, outputs] = w.shape as [number, number];
    return {
      w: Array.from({ length: inputs }, (_, i) => flat.slice(i * outputs, (i + 1) * outputs)),
      b: Array.from(entryView(values, b)),
    };
  });
}

describe("fedd2s", () => {
  it("follows plain loops while a stage is dropped", async () => {
    const rounds = 5;
    const { plan, simulation, states } = await observe(method, { ...deep, rounds });
    const source = openDataSource(simulation.train);
    const shards = [0, 1, 2, 3].map((client): Shard => {
      const { features, labels } = source.load(client);
      const x = Array.from(labels.data, (_, k) => [features.data[2 * k]!, features.data[2 * k + 1]!]);
      return { x, y: Array.from(labels.data) };
    });
    const models = plainRun(netOf(plan.initial, plan.layout), shards, rounds);
    for (const [client, expected] of models.entries()) {
      const found = netOf(states[client]!["model"]!, plan.layout);
      for (const [k, { w, b }] of expected.entries())
        for (const [o, value] of [...w.flat(), ...b].entries())
          expect([...found[k]!.w.flat(), ...found[k]!.b][o]).toBeCloseTo(value, 11);
    }
  });

  it("is local training with strength 0, and another with more", async () => {
    const { states } = await observe({ ...method, strength: 0 }, { ...deep, rounds: 3 });
    const alone = await observe({ name: "fedavg" }, { ...deep, rounds: 3, baseline: "local-only" });
    const pulled = await observe(method, { ...deep, rounds: 3 });
    for (const [client, { model }] of states.entries()) {
      const expected = localModel(alone.plan.initial, alone.states[client]);
      for (const [j, value] of model!.entries()) expect(value).toBeCloseTo(expected[j]!, 14);
      expect(pulled.states[client]!["model"]).not.toEqual(model);
    }
  });

  it("sends fewer stages round by round, and the first one to the end", async () => {
    const sizes = [];
    for (let rounds = 1; rounds <= 6; rounds++) {
      const { updates, messages } = await observe(method, { ...deep, rounds });
      const down = messages.slice(-9, -4).flatMap((message) => Object.keys(message)); // of the last round
      sizes.push({
        up: updates.get(0)!["stages"]!.length,
        soft: new Set(down.filter((name) => /^soft/.test(name))).size,
      });
    }
    const [both, first] = [C + C * C + 3 * C + 2 * C, C + C * C + 3 * C];
    expect(sizes).toEqual([
      { up: both, soft: 0 },
      { up: both, soft: 2 },
      ...Array.from({ length: 4 }, () => ({ up: first, soft: 1 })),
    ]);
    const { payloads } = smallSimulation(method, { ...whole, ...deep }).prepared.plan;
    expect(payloads.parts!.map((part) => part["stages"]!.entries.map(({ name }) => name))).toEqual([
      ["count", "soft", "stage1"],
      ["count", "soft", "stage1", "stage2"],
    ]);
  });

  it("sends nothing of a class with too few examples", async () => {
    const counts = async (minimumCount: number) => {
      const { updates, plan } = await observe({ ...method, minimumCount }, deep);
      const { layout } = plan.payloads.upload["stages"]!;
      const of = (name: string, vector: Vector) =>
        Array.from(entryView(vector, layout.entries.find((entry) => entry.name === name)!));
      return [...updates.values()].map(({ stages }) => ({
        count: of("count", stages!),
        soft: of("soft", stages!).map((_value, k, all) => (k % C === 0 ? total(all.slice(k, k + C)) : 0)),
      }));
    };
    const [all, some] = [await counts(1), await counts(4)];
    const told = all.flatMap(({ count }) => count);
    expect(told.some((n) => n > 0 && n < 4)).toBe(true);
    expect(some.flatMap(({ count }) => count)).toEqual(told.map((n) => (n < 4 ? 0 : n)));
    for (const { count, soft } of some)
      for (const [label, n] of count.entries()) expect(soft[C * label]).toBeCloseTo(n > 0 ? 1 : 0, 12);
  });

  it("answers clients that were not in the last round with the soft labels that they had before", async () => {
    const { states, messages } = await observe(method, { ...deep, rounds: 6, sampler: { cohort: 2 } });
    const visits = states.map(({ visits }) => visits?.[0] ?? 0);
    expect(total(visits)).toBe(12);
    expect(new Set(visits).size).toBeGreaterThan(1);
    // every order but the first of each client brings an answer
    const answers = messages.filter((message) => message["soft1"] !== undefined);
    expect(answers.length).toBe(12 - visits.filter((count) => count > 0).length);
  });

  it("continues from a checkpoint with the same models", async () => {
    const more = { ...deep, rounds: 4 };
    const all = await observe(method, more);
    const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
    await observe(method, more, { ...stores, rounds: 2 });
    const rest = await observe(method, more, stores);
    expect(rest.states).toEqual(all.states);
    expect(rest.updates).toEqual(all.updates);
  });

  it("takes convolutions for one stage", () => {
    const model = layout(cnn28x28({ input: [1, 28, 28], classes: C, hidden: 4 }).parameters);
    const { upload } = fedd2s().payloads(model);
    const stages = upload["stages"]!.layout.entries.filter(({ name }) => name.startsWith("stage"));
    expect(stages.map(({ shape }) => shape)).toEqual([
      [C, 7 * 7 * 64],
      [C, 4],
    ]);
  });

  it.each([
    [{ model: { name: "logistic" } }, /dense layers of which the last is the head/],
    [{ parameters: { personal: "head" } }, /parameters.personal.*keep the whole model already/s],
    [{ compression: { up: ["top-k density=0.1"] } }, /compression.*Statistics travel as they are/s],
    [{ compression: { down: ["qsgd levels=4"] } }, /depends on what they keep/s],
    [
      { training: { ...whole.training, curriculum: { order: "easy-first" } } },
      /training.curriculum.order.*receive none/s,
    ],
    [{ training: { ...whole.training, calibration: { samples: 3 } } }, /theirs are private/],
    [{ data: { ...whole.data, unlabelled: { share: 0.5 } } }, /data.unlabelled.*receive none/s],
    [{ aggregation: { rule: "median" } }, /aggregation.rule.*whole updates/s],
    [{ aggregation: { clipNorm: 1 } }, /Scaled statistics are wrong ones/],
    [{ attack: { name: "sign-flip", attackers: [2] } }, /attack.name.*changes to a model/s],
    [
      { privacy: { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1, delta: 1e-3 } },
      /privacy.mechanism.*data of the clients/s,
    ],
    [{ secureAggregation: { protocol: "plain", range: 1 } }, /secureAggregation.protocol.*a sum hides/s],
    [{ schedule: { name: "buffered" } }, /schedule.name/],
  ] as [ConfigInput, RegExp][])("refuses %j", (more, message) => {
    expect(() => smallSimulation(method, { ...whole, ...deep, ...more })).toThrow(message);
  });
});
