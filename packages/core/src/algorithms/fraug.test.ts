import { describe, expect, it } from "vitest";
import type { ConfigInput } from "../config/index.ts";
import { HEALTHY } from "../conformance/fault-source.ts";
import { SimulatedFederation } from "../conformance/simulated-federation.ts";
import { simulateSmall, smallRun, smallSimulation } from "../conformance/small-live-run.ts";
import { CLASSIFIED } from "../conformance/testing/classified.ts";
import { networkStart, transferNetwork } from "../heterogeneity/augmentation-networks.ts";
import { type Layout, layout } from "../params/layout.ts";
import { traceFederation } from "../simulation/trace-federation.ts";
import { fedavg } from "./fedavg.ts";
import { fraug } from "./fraug.ts";

/** Numbers by name, in the order of the names. */
type Values = Readonly<Record<string, readonly number[]>>;

const { points, labels, owners } = CLASSIFIED;
const [C, q, B] = [3, 3, 4];
const chosen = { horizon: 1, rampRate: 0.3, networkLearningRate: 0.4, generatorDistance: 0.7, transferDistance: 1.3 };
const ETA = CLASSIFIED.learningRate;

/** Draws of a step: noise, which for real rows is the same in all, as their order is drawn, and the first class. */
const noiseOf = (client: number, step: number) =>
  Array.from({ length: B * q }, (_, k) => (Math.sin((k % q === 2 ? 0 : 1 + k) + 5 * step + 17 * client) + 1) / 2);
const turnOf = (client: number, step: number) => new Array<number>(B).fill(((client + step) % C) / C + 0.1);

const withDraws = () => {
  const method = fraug(chosen);
  const keys = [1, 2].flatMap((round) => [0, 1, 2, 3].map((client) => `${round}/${client}`));
  const given = (of: typeof noiseOf) =>
    Object.fromEntries(keys.map((key) => [key, [0, 1, 2].map((step) => of(Number(key.split("/")[1]), step))]));
  const draws = {
    noise: { kind: "uniformFeatures", given: given(noiseOf) },
    turn: { kind: "uniform", given: given(turnOf) },
  } as const;
  return { ...method, client: { ...method.client, draws } };
};

const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
const relu = (rows: number[][]) => rows.map((row) => row.map((v) => Math.max(0, v)));
const times = (rows: readonly (readonly number[])[], w: readonly number[], width: number) =>
  rows.map((row) => Array.from({ length: width }, (_, o) => total(row.map((v, i) => v * w[i * width + o]!))));
const plus = (rows: number[][], b: readonly number[]) => rows.map((row) => row.map((v, o) => v + b[o]!));
const oneHot = (label: number) => [0, 1, 2].map((c) => (c === label ? 1 : 0));

/** By the moments of weighted rows. */
function normalised(rows: number[][], weights: readonly number[], gamma: readonly number[], beta: readonly number[]) {
  return rows.map((row) =>
    row.map((value, j) => {
      const mean = total(rows.map((other, k) => weights[k]! * other[j]!));
      const variance = total(rows.map((other, k) => weights[k]! * (other[j]! - mean) ** 2));
      return ((value - mean) / Math.sqrt(variance + 1e-5)) * gamma[j]! + beta[j]!;
    }),
  );
}

const hiddenLayer = (p: Values, name: string, x: number[][], weights: readonly number[], width: number) =>
  relu(normalised(times(x, p[`${name}.weight`]!, width), weights, p[`${name}.norm.gamma`]!, p[`${name}.norm.beta`]!));
const generated = (p: Values, z: number[], classes: number[], weights: readonly number[]) => {
  const x = z.map((value, k) => [value, ...oneHot(classes[k]!)]);
  return hiddenLayer(p, "generator2", hiddenLayer(p, "generator1", x, weights, q), weights, q);
};
const residuals = (p: Values, rows: number[][], classes: number[], weights: readonly number[]) => {
  const x = rows.map((row, k) => [...row, ...oneHot(classes[k]!)]);
  const hidden = hiddenLayer(p, "transfer1", x, weights, 1);
  return plus(times(hidden, p["transfer2.weight"]!, q), p["transfer2.bias"]!);
};

const softmaxed = (z: readonly number[]) => {
  const raised = z.map(Math.exp);
  return raised.map((value) => value / total(raised));
};
const logitsOf = (p: Values, rows: number[][]) => plus(times(rows, p["dense2.weight"]!, C), p["dense2.bias"]!);
const featuresOf = (p: Values, rows: number[][]) => relu(plus(times(rows, p["dense1.weight"]!, q), p["dense1.bias"]!));
const entropy = (z: number[][], classes: number[], weights: readonly number[]) =>
  total(z.map((row, k) => -weights[k]! * Math.log(softmaxed(row)[classes[k]!]!)));

/** The gradient of a loss by all values, by central differences. */
function slopes(loss: (p: Values) => number, p: Values): Values {
  const each = Object.entries(p).map(([name, values]) => [
    name,
    values.map((value, k) => {
      const at = (h: number) => loss({ ...p, [name]: values.with(k, value + h) });
      const h = 1e-6;
      return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
    }),
  ]);
  return Object.fromEntries(each);
}
const moved = (p: Values, g: Values, rate: number): Values =>
  Object.fromEntries(
    Object.entries(p).map(([name, values]) => [name, values.map((v, k) => v - rate * (g[name]?.[k] ?? 0))]),
  );

interface Client {
  readonly transfer: Values;
  readonly means: number[][];
}

/** One step of a client in plain loops. */
function stepped(model: Values, generator: Values, own: Client, client: number, step: number, ramp: number) {
  const rows = points.flatMap((x, k) => (owners[k] === client ? [{ x: [...x], y: labels[k]! }] : []));
  const y = rows.map((row) => row.y);
  const weights = rows.map(() => 1 / rows.length);
  const f = featuresOf(model, rows.map(({ x }) => x)); // biome-ignore format: one line
  const means = own.means.map((old, c) => {
    const members = f.filter((_, k) => y[k] === c);
    return old.map((v, j) => {
      return members.length === 0 ? v : 0.7 * v + 0.3 * (total(members.map((row) => row[j]!)) / members.length);
    });
  });
  const noise = noiseOf(client, step);
  const [z, other] = [0, 2].map((column) => Array.from({ length: B }, (_, k) => noise[k * q + column]!));
  const first = Math.floor(turnOf(client, step)[0]! * C);
  const balanced = Array.from({ length: B }, (_, k) => (k + first) % C);
  const raw = balanced.map((c) => (y.includes(c) ? 1 / balanced.filter((one) => one === c).length : 0));
  const even = raw.map((value) => value / total(raw));
  const base = balanced.map((c) => means[c]!);
  const rho = Math.min(0.5, ramp);
  const made = (g: Values) => generated(g, z!, balanced, even);
  const bent = (r: Values) => residuals(r, made(generator), balanced, even);
  const mixed = (from: number[][], by: number[][]) => from.map((row, k) => row.map((v, j) => v + ramp * by[k]![j]!));
  const a = mixed(base, bent(own.transfer));
  const others = generated(generator, other!.slice(0, rows.length), y, weights);
  const b = mixed(f, residuals(own.transfer, others, y, weights));
  const far = (x: number[][]) =>
    total(x.map((row, k) => (even[k]! * total(row.map((v, j) => (v - base[k]![j]!) ** 2))) / q));
  const real = slopes((p) => entropy(logitsOf(p, featuresOf(p, rows.map(({ x }) => x))), y, weights), model); // biome-ignore format: one line
  const synthetic = slopes(
    (p) => (entropy(logitsOf(p, a), balanced, even) + entropy(logitsOf(p, b), y, weights)) / 2,
    model,
  );
  const forG = slopes(
    (g) => entropy(logitsOf(model, made(g)), balanced, even) - chosen.generatorDistance * far(made(g)),
    generator,
  );
  const forR = slopes((r) => {
    const x = bent(r).map((row, k) => row.map((v, j) => v + base[k]![j]!));
    const uncertain = total(
      logitsOf(model, x).map((row, k) => -even[k]! * total(softmaxed(row).map((p) => p * Math.log(p)))),
    );
    return chosen.transferDistance * far(x) - uncertain;
  }, own.transfer);
  return {
    model: moved(moved(model, real, ETA * (1 - rho)), synthetic, ETA * rho),
    generator: moved(generator, forG, chosen.networkLearningRate),
    own: { transfer: moved(own.transfer, forR, chosen.networkLearningRate), means },
  };
}

/** A vector by the names of its layout. */
const named = ({ entries }: Layout, vector: ArrayLike<number>): Values =>
  Object.fromEntries(entries.map(({ name, offset, size }) => [name, Array.from(vector).slice(offset, offset + size)]));
const meanOf = (all: readonly Values[]): Values =>
  Object.fromEntries(
    Object.entries(all[0]!).map(([name, values]) => [
      name,
      values.map((_, k) => total(all.map((one) => one[name]![k]!)) / all.length),
    ]),
  );
const flat = (values: Values) =>
  Object.keys(values)
    .sort()
    .flatMap((name) => values[name]!);

describe("fraug", () => {
  it("follows plain loops with gradients by differences", async () => {
    const method = withDraws();
    const cohorts = [
      [0, 1, 2, 3],
      [1, 3],
    ];
    const model = layout([
      { name: "dense1.bias", shape: [q], role: "vector", block: "dense1" },
      { name: "dense1.weight", shape: [2, q], role: "matrix", block: "dense1" },
      { name: "dense2.bias", shape: [C], role: "head", block: "dense2" },
      { name: "dense2.weight", shape: [q, C], role: "head", block: "dense2" },
    ]);
    const start = method.init(Float64Array.from(CLASSIFIED.x0), model);
    const payloads = method.payloads(model);
    let x = named(model, CLASSIFIED.x0);
    let generator = named(payloads.broadcast["generator"]!, start.vectors["generator"]!);
    const { clients, rounds, server } = await traceFederation(method, { ...CLASSIFIED, cohorts });
    // clients keep what differs from the start
    const still = await traceFederation(fraug({ ...chosen, networkLearningRate: 0 }), {
      ...CLASSIFIED,
      localSteps: 2,
      cohorts,
    });
    expect(still.clients[1]!.get(0)!["transfer"]!.every((value) => value === 0)).toBe(true);
    const first = named(
      payloads.clientState["transfer"]!,
      networkStart(transferNetwork({ classes: C, features: q }), 0),
    );
    const states: Client[] = owners.map(() => ({ transfer: first, means: [0, 1, 2].map(() => [0, 0, 0]) }));
    for (const [round, cohort] of cohorts.entries()) {
      const ramp = Math.min(1, Math.exp(chosen.rampRate * (round - chosen.horizon)));
      const results = cohort.map((client) => {
        let now = { model: x, generator, own: states[client]! };
        for (let k = 0; k < CLASSIFIED.localSteps; k++)
          now = stepped(now.model, now.generator, now.own, client, k, ramp);
        states[client] = now.own;
        return now;
      });
      x = meanOf(results.map((result) => result.model));
      generator = meanOf(results.map((result) => result.generator));
      for (const [j, value] of flat(x).entries()) expect(rounds[round]![j]).toBeCloseTo(value, 7);
      for (const client of cohort) {
        const kept = clients[round]!.get(client)!;
        const transfer = named(payloads.clientState["transfer"]!, kept["transfer"]!);
        const offsets = flat(states[client]!.transfer).map((value, k) => value - flat(first)[k]!);
        for (const [k, value] of flat(transfer).entries()) expect(value).toBeCloseTo(offsets[k]!, 7);
        for (const [k, value] of states[client]!.means.flat().entries())
          expect(kept["means"]![k]).toBeCloseTo(value, 7);
      }
    }
    for (const [k, value] of flat(generator).entries()) expect(server.vectors["generator"]![k]).toBeCloseTo(value, 7);
    expect(flat(states[0]!.transfer).some((value, k) => Math.abs(value - flat(first)[k]!) > 1e-3)).toBe(true);
  });

  it("is FedAvg while synthetic features count for nothing", async () => {
    const { rounds } = await traceFederation(fraug({ rampRate: 1e9 }), CLASSIFIED);
    expect(rounds).toEqual((await traceFederation(fedavg(), CLASSIFIED)).rounds);
    const { rounds: others } = await traceFederation(fraug({ horizon: 0 }), CLASSIFIED);
    expect(others).not.toEqual(rounds);
  });

  it("keeps running statistics with the clients, and the head shared", () => {
    const { plan } = smallSimulation(
      { name: "fraug" },
      { model: { name: "mlp", hidden: [4], norm: "batch" } },
    ).prepared;
    expect(plan.held!.split.personal.entries.map(({ role }) => role)).toEqual(["statistics", "statistics"]);
    expect(Object.keys(plan.payloads.upload)).toEqual(["delta", "change"]);
    expect(plan.layout.entries.some(({ role }) => role === "normalization")).toBe(true);
  });

  it("trains with batch normalization, and with padding alone in a batch", async () => {
    const training = { batchSize: 5, localEpochs: 2, learningRate: 0.1 };
    const { prepared } = smallSimulation(
      { name: "fraug" },
      { model: { name: "mlp", hidden: [4], norm: "batch" }, training },
    );
    const result = await simulateSmall(prepared);
    expect(result.parameters.every(Number.isFinite)).toBe(true);
    expect(result.parameters).not.toEqual(prepared.plan.initial);
  });

  it.each([
    [{ privacy: { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1, delta: 1e-3 } }, "What a client keeps"],
    [{ secureAggregation: { protocol: "plain" } }, "clients and server would disagree"],
    [{ schedule: { name: "buffered" } }, "made for one vector"],
    [{ data: { clients: 4, partition: { scheme: "iid" }, unlabelled: { share: 0.5 } } }, "draw examples of the class"],
    [{ aggregation: { clipNorm: 1 } }, "would not match what clients keep"],
  ])("refuses %j", (more, advice) => {
    expect(() => smallSimulation({ name: "fraug" }, more as ConfigInput)).toThrow(
      expect.objectContaining({ code: "config/conflict", message: expect.stringContaining(advice) }),
    );
  });

  it("ends with the same model in a live run", async () => {
    const { config, prepared } = smallRun({ name: "fraug" });
    const result = await new SimulatedFederation(config, prepared, 1, HEALTHY).run();
    expect(result.modelHash).toBe((await simulateSmall(prepared)).modelHash);
    expect(result.parameters).not.toEqual(prepared.plan.initial);
  });
});
