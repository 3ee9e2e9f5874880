import {
  add,
  constant,
  evaluate,
  gradients,
  matmul,
  mul,
  softmaxCrossEntropy,
  sum,
  type Tensor,
} from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { representationsOf } from "../client/representations.ts";
import { resolveConfig } from "../config/index.ts";
import { simulateSmall, smallRun, smallSimulation } from "../conformance/small-live-run.ts";
import { CLASSIFIED } from "../conformance/testing/classified.ts";
import { syntheticDataset } from "../data/index.ts";
import { augmentedFeature, geometryOf, statisticsOf } from "../heterogeneity/index.ts";
import { mlp } from "../models/index.ts";
import { layout, subLayout } from "../params/layout.ts";
import { rootKey } from "../random/index.ts";
import { prepareRun } from "../simulation/prepare.ts";
import { traceFederation } from "../simulation/trace-federation.ts";
import type { LocalStep, ParameterTensors } from "./algorithm.ts";
import { fedavg } from "./fedavg.ts";
import { ggeur } from "./ggeur.ts";

const { points, labels, owners, x0, hidden: q, classes } = CLASSIFIED;
const everyone = { ...CLASSIFIED, cohorts: CLASSIFIED.cohorts.map(() => [0, 1, 2, 3]) };
const feature = (x: readonly number[]) =>
  Array.from({ length: q }, (_, j) => Math.max(0, x0[j]! + x[0]! * x0[q + j]! + x[1]! * x0[2 * q + j]!));
const features = points.map(feature);
const ofClass = (c: number, isOwner: (client: number) => boolean = () => true) =>
  features.filter((_, k) => labels[k] === c && isOwner(owners[k]!));
const wave = (n: number, at: number) => Array.from({ length: n }, (_, i) => Math.sin(at + 1.7 * i));

describe("the server of ggeur", () => {
  it("merges the covariances of clients to those of all examples", async () => {
    const { server } = await traceFederation(ggeur({ minimumCount: 1 }), everyone);
    const geometry = server.vectors["geometry"]!;
    for (let c = 0; c < classes; c++) {
      const { covariance } = statisticsOf(ofClass(c));
      for (let i = 0; i < q; i++) {
        for (let j = 0; j < q; j++) {
          let product = 0;
          for (let k = 0; k < q; k++) product += geometry[(c * q + i) * q + k]! * geometry[(c * q + j) * q + k]!;
          expect(product).toBeCloseTo(covariance[i * q + j]!, 12);
        }
      }
    }
  });

  it("gives clients means of others, in turn, of classes with enough examples", async () => {
    const method = ggeur();
    const { server } = await traceFederation(method, everyone);
    const given = (round: number) => method.own!(server, 3, round);
    // classes 0, 1 and 2 of two examples or more: clients 0 and 3; 0 and 1; 2
    expect(Array.from(given(2)["holders"]!)).toEqual([1, 2, 1]);
    const meanOf = (c: number, client: number) => statisticsOf(ofClass(c, (owner) => owner === client)).mean;
    const second = [2, 3].map((round) => given(round)["prototypes"]!.subarray(q, 2 * q));
    const expected = [meanOf(1, 1), meanOf(1, 0)];
    for (const [k, mean] of expected.entries())
      for (const [j, value] of mean.entries()) expect(second[k]![j]).toBeCloseTo(value, 12);
    for (const [j, value] of meanOf(0, 0).entries()) expect(given(2)["prototypes"]![j]).toBeCloseTo(value, 12);
  });

  it("receives statistics in round 1 alone, and none of classes with too few examples", async () => {
    const sent: (readonly [number, Record<string, number>])[] = [];
    await traceFederation(ggeur({ minimumCount: 99 }), everyone, {
      onMessage(message) {
        if (!("client" in message)) return;
        const { vectors } = message;
        sent.push([message.round, Object.fromEntries(Object.entries(vectors).map(([name, v]) => [name, v.length]))]);
        if (message.round === 1) expect(vectors["classes"]!.every((value) => value === 0)).toBe(true);
      },
    });
    for (const [round, lengths] of sent)
      expect(lengths).toEqual(round === 1 ? { classes: 30, delta: 0 } : { classes: 0, delta: 12 });
  });
});

describe("a client of ggeur", () => {
  it("equals FedAvg on the head where no examples are missing, a round later", async () => {
    const headAlone = { ...fedavg(), frozen: ["*", "!head"] };
    const { rounds: expected } = await traceFederation(headAlone, everyone);
    const { rounds } = await traceFederation(ggeur({ target: 0 }), everyone);
    expect(rounds[0]).toEqual(x0.slice(9));
    // sums over a batch, which is shuffled by round
    for (const [round, header] of rounds.slice(1).entries())
      for (const [k, value] of header.entries()) expect(value).toBeCloseTo(expected[round]![k]!, 14);
  });

  it("draws around its own examples and around a mean of another client", () => {
    const model = mlp({ input: [2], inputType: "float", hidden: [q], classes });
    const whole = layout(model.parameters);
    const at = (name: string) => whole.entries.find((entry) => entry.name === name)!;
    const tensor = (name: string) => {
      const { offset, size, shape } = at(name);
      return constant(x0.slice(offset, offset + size), shape);
    };
    const tensors = Object.fromEntries(whole.entries.map(({ name }) => [name, tensor(name)]));
    const head = subLayout(whole, ({ role }) => role === "head");
    const y = Object.fromEntries(head.entries.map(({ name }) => [name, tensors[name]!]));
    // client 0 has classes 0 and 1, two examples of each; of these three are in the batch
    const batch = [0, 2, 3];
    const [target, holders, counts] = [5, [1, 0, 2], [2, 2, 0]];
    const means = [wave(q, 1), [0, 0, 0], wave(q, 2)];
    const geometries = [0, 1, 2].map((c) => geometryOf(statisticsOf(ofClass(c))));
    const scaled = geometries.flatMap(({ variances, directions }) =>
      Array.from({ length: q }, (_, i) => directions.map((u, k) => u[i]! * Math.sqrt(Math.max(variances[k]!, 0)))),
    );
    const [own, others] = [wave(3 * q, 5), wave(q * classes, 6)];
    const meanLoss = (p: ParameterTensors, rows: Tensor, of: readonly number[], weights: readonly number[]) =>
      sum(
        mul(
          constant(weights, [weights.length]),
          softmaxCrossEntropy(
            add(matmul(rows, p["dense2.weight"]!), p["dense2.bias"]!),
            constant(of, [of.length], "int32"),
          ),
        ),
      );
    const rows = (list: readonly ArrayLike<number>[]) =>
      constant(
        list.flatMap((row) => Array.from(row)),
        [list.length, q],
      );
    const third = [1 / 3, 1 / 3, 1 / 3];
    const real = (p: ParameterTensors) => meanLoss(p, rows(batch.map((k) => features[k]!)), batch.map((k) => labels[k]!), third); // biome-ignore format: one line
    const local = {
      ...{ model: head, state: {}, sent: {}, learningRate: constant(0.1) },
      broadcast: {
        parameters: y,
        geometry: { geometry: constant(scaled.flat(), [classes, q, q]) },
        prototypes: { prototypes: rows(means) },
        holders: { holders: constant(holders, [classes]) },
      },
      draws: {
        features: () => constant(own, [3, q]),
        normal: () => ({ "dense2.weight": constant(others, [q, classes]), "dense2.bias": constant([9, 9, 9], [3]) }),
      },
      classCounts: () => constant(counts, [classes]),
      gradient: (p: ParameterTensors) => ({ loss: real(p), gradients: gradients(real(p), p) }),
      representations: (p: ParameterTensors) => ({
        ...representationsOf(
          model,
          { ...tensors, ...p },
          {
            features: constant(
              batch.flatMap((k) => points[k]!),
              [3, 2],
            ),
            labels: constant(
              batch.map((k) => labels[k]!),
              [3],
              "uint8",
            ),
          },
        ),
        weights: constant(third, [3]),
      }),
    } as unknown as LocalStep;
    const settings = { momentum: 0, nesterov: false, weightDecay: 0 };
    const { client } = ggeur({ target });
    const carry = client.step(client.begin(local, settings), local, settings).carry as Record<string, ParameterTensors>;

    // 3 are missing of classes 0 and 1, 5 of class 2: half of class 0 and all of class 2 come from others
    const total = 4 + 3 + 3 + 5;
    const aroundOwn = batch.map((k, row) =>
      augmentedFeature(features[k]!, geometries[labels[k]!]!, own.slice(row * q, (row + 1) * q)),
    );
    const drawsOf = (c: number) => Array.from({ length: q }, (_, k) => others[k * classes + c]!);
    const aroundOthers = [0, 2].map((c) => augmentedFeature(means[c]!, geometries[c]!, drawsOf(c)));
    const perOwn = batch.map((k) => ((labels[k] === 0 ? 1.5 : 3) / 2) * (4 / 3 / total));
    const loss = add(
      mul(real(y), 4 / total),
      add(
        meanLoss(y, rows(aroundOwn), batch.map((k) => labels[k]!), perOwn), // biome-ignore format: one line
        meanLoss(y, rows(aroundOthers), [0, 2], [1.5 / total, 5 / total]),
      ),
    );
    const slopes = gradients(loss, y);
    for (const { name } of head.entries) {
      const [before, slope, after] = [y, slopes, carry["parameters"]!].map((from) => evaluate(from[name]!).data);
      for (const [k, value] of before!.entries()) expect(after![k]).toBeCloseTo(value - 0.1 * slope![k]!, 12);
    }
  });
});

describe("runs of ggeur", () => {
  it.each([
    [{ sampler: { cohort: 3 } }, "config/conflict", "cohort"],
    [{ parameters: { personal: "dense1" } }, "config/conflict", "fixed for everybody"],
    [{ parameters: { frozen: "dense1" } }, "method/shares-more", "dense2"],
    [{ model: { name: "mlp", hidden: [2] }, adapters: { rank: 1 } }, "method/head", "head"],
    [
      { privacy: { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1, delta: 1e-3 } },
      "config/conflict",
      "data of",
    ],
    [{ secureAggregation: { protocol: "plain" } }, "config/conflict", "a sum hides"],
    [{ aggregation: { rule: "median" } }, "config/conflict", "whole updates"],
    [{ compression: { up: ["top-k density=0.1"], vectors: ["classes"] } }, "config/conflict", "travel as they are"],
  ])("refuse %j", (more, code, text) => {
    const all = { sampler: { cohort: 4 }, ...more } as object;
    expect(() => smallSimulation({ name: "ggeur" }, all)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(text) }),
    );
  });

  it("are refused where the statistics of all clients would not fit into memory", () => {
    const clients = 600;
    const part = (firstIndex: number, examples: number) =>
      syntheticDataset(rootKey(1), { shape: [1, 2, 2], classes: 10, examples, firstIndex });
    const config = resolveConfig({
      ...{ data: { clients, partition: { scheme: "iid" } }, sampler: { cohort: clients } },
      ...{ model: { name: "mlp", hidden: [600] }, algorithm: { name: "ggeur" } },
    });
    const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;
    const data = { train: part(0, clients), test: part(clients, 4) };
    expect(() => prepareRun(config, data, identity, 0, "large")).toThrow(
      expect.objectContaining({
        code: "config/conflict",
        message: expect.stringContaining("600 clients with 1809010"),
      }),
    );
  });

  it("are simulated alone, as each client is sent means of others", () => {
    expect(() => smallRun({ name: "ggeur" }, { sampler: { cohort: 4 } })).toThrow(
      /other prototypes and holders for each client/,
    );
  });

  it("train on own examples alone where nobody has sent statistics of a class", async () => {
    const { prepared } = smallSimulation({ name: "ggeur", minimumCount: 1000 }, { sampler: { cohort: 4 } });
    const result = await simulateSmall(prepared);
    expect(result.stopped).toBe("finished");
    expect(result.parameters.every(Number.isFinite)).toBe(true);
  });
});
