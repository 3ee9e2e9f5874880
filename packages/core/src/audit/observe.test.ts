import { type AnabranchError, interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { openDataSource } from "../client/data-source.ts";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import type { ArrayDataset } from "../data/index.ts";
import { prepareRun } from "../simulation/prepare.ts";
import { simulatedSecureAggregation } from "../simulation/simulated-secure-aggregation.ts";
import { attackObservation, recoverLabels, usualAttacks } from "./audit-attacks.ts";
import { observeRound } from "./observe.ts";
import { pixelScale, truePixels } from "./pixels.ts";

/** Images of 1 x 4 x 4 pixels, of three classes. */
const images = (n: number): ArrayDataset => ({
  name: "images",
  features: {
    dtype: "uint8",
    shape: [n, 1, 4, 4],
    data: Uint8Array.from({ length: 16 * n }, (_, i) => (i * i * 37 + 11 * i) % 251),
  },
  labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => (i * i) % 3) },
  classes: 3,
});

async function observed(more: ConfigInput = {}, request: { round: number; client?: number } = { round: 1 }) {
  const config = resolveConfig({
    rounds: 3,
    data: { clients: 4, partition: { scheme: "iid" } },
    model: { name: "mlp", hidden: [12] },
    training: { batchSize: 1, localSteps: 1, learningRate: 0.1 },
    sampler: { cohort: 3 },
    ...more,
  });
  const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;
  const prepared = prepareRun(config, { train: images(24), test: images(9) }, identity, 0, "audited");
  const secureAggregation = await simulatedSecureAggregation(prepared.plan);
  const seen = await observeRound(prepared, request, { executor: interpreter(), secureAggregation });
  return { ...seen, prepared };
}

const codeOf = (run: Promise<unknown>) =>
  run.then(
    () => undefined,
    (error: AnabranchError) => error.code,
  );

describe("the tap on a round", () => {
  it("shows the gradient of the batch that a client has trained on, and these examples", async () => {
    const { update, sum, isMasked, prepared } = await observed();
    expect(isMasked).toBe(false);
    expect(update).toMatchObject({ observer: "server", kind: "update", round: 1 });
    expect(update!.assumptions).toEqual({ examples: 1, batchSize: 1, localSteps: 1, learningRate: 0.1 });
    const { model, simulation } = prepared;
    const scale = await pixelScale(
      model,
      update!.parameters,
      update!.truth.features,
      { mean: 0.5, std: 0.5 },
      interpreter(),
    );
    const found = await attackObservation("fc", update!, model, scale, interpreter());
    // a dense first layer shows a single example exactly
    expect(found.hits).toBe(1);
    expect(found.bestPsnr).toBeGreaterThan(100);
    expect(found.labelAccuracy).toBe(1);
    const own = openDataSource(simulation.train).load(update!.clients[0]!).features;
    const rows = truePixels(own, scale).map((row) => row.join());
    expect(rows).toContain(truePixels(update!.truth.features, scale)[0]!.join());
    expect(sum.clients).toHaveLength(3);
    expect(sum.assumptions.examples).toBe(3);
  });

  it("of an aggregate is the mean of the updates", async () => {
    const { sum } = await observed();
    const updates = await Promise.all(
      sum.clients.map(async (client) => (await observed({}, { round: 1, client })).update!),
    );
    for (const [i, value] of sum.gradient.entries()) {
      expect(value).toBeCloseTo(updates.reduce((total, { gradient }) => total + gradient[i]!, 0) / 3, 10);
    }
  });

  it("shows compressed updates as the server decodes them, and clipped ones clipped", async () => {
    const plain = (await observed()).update!;
    const sparse = (await observed({ compression: { up: ["top-k density=0.1"] } })).update!;
    const kept = sparse.gradient.filter((value) => value !== 0).length;
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThanOrEqual(Math.ceil(0.1 * sparse.gradient.length));
    const clipped = (await observed({ aggregation: { clipNorm: 1e-3 } })).update!;
    const ratio = plain.gradient.findIndex((value) => Math.abs(value) > 1e-3);
    const factor = clipped.gradient[ratio]! / plain.gradient[ratio]!;
    expect(factor).toBeLessThan(1);
    for (const [i, value] of plain.gradient.entries()) expect(clipped.gradient[i]).toBeCloseTo(factor * value, 9);
  });

  it("distinguishes noise of the server, which its own view lacks, from that of clients", async () => {
    const central = await observed({ privacy: { mechanism: "gaussian", clipNorm: 10, noiseMultiplier: 1 } });
    expect(central.hasServerNoise).toBe(true);
    expect(recoverLabels(central.update!, central.prepared.model)).toHaveLength(1);
    const local = await observed({
      privacy: { mechanism: "gaussian", clipNorm: 10, noiseMultiplier: 1, noise: "local" },
    });
    expect(local.hasServerNoise).toBe(false);
  });

  it("shows nobody an update under secure aggregation", async () => {
    const { update, sum, isMasked } = await observed({ secureAggregation: { protocol: "bonawitz", range: 1 } });
    expect(isMasked).toBe(true);
    expect(update).toBeUndefined();
    expect(sum).toMatchObject({ observer: "server", kind: "sum" });
    const plain = (await observed()).sum;
    // integers of 16 bits
    for (const [i, value] of sum.gradient.entries()) expect(Math.abs(value - plain.gradient[i]!)).toBeLessThan(1e-2);
  });

  it("follows the run to a later round", async () => {
    const [first, third] = [await observed(), await observed({}, { round: 3 })];
    expect(third.update!.round).toBe(3);
    expect(third.update!.parameters).not.toEqual(first.update!.parameters);
  });

  it("refuses clients and methods that it cannot observe", async () => {
    const { sum } = await observed();
    const absent = [0, 1, 2, 3].find((client) => !sum.clients.includes(client))!;
    expect(await codeOf(observed({}, { round: 1, client: absent }))).toBe("audit/client");
    expect(await codeOf(observed({ algorithm: { name: "frl" } }))).toBe("audit/upload");
    const training = { curriculum: { order: "easy-first" } } as const;
    expect(await codeOf(observed({ training }))).toBe("audit/curriculum");
  });
});

describe("the usual attacks", () => {
  it("are those that a model and a message allow", async () => {
    const { update, prepared } = await observed();
    expect(usualAttacks(update!, prepared.model)).toEqual(["labels", "fc", "ig"]);
    const smooth = await observed({ model: { name: "mlp", hidden: [12], activation: "sigmoid" } });
    expect(usualAttacks(smooth.update!, smooth.prepared.model)).toEqual(["labels", "fc", "idlg", "ig"]);
  });

  it("refuse several steps, large batches and gifd without a generator", async () => {
    const scale = { factor: new Float64Array(16).fill(2), offset: new Float64Array(16).fill(-1) };
    const attack = async (name: "dlg" | "ig" | "gifd", more: ConfigInput) => {
      const { update, prepared } = await observed({
        model: { name: "mlp", hidden: [12], activation: "tanh" },
        ...more,
      });
      return codeOf(attackObservation(name, update!, prepared.model, scale, interpreter(), { iterations: 1 }));
    };
    const training = { batchSize: 1, learningRate: 0.1 };
    expect(await attack("dlg", { training: { ...training, localSteps: 2 } })).toBe("audit/steps");
    expect(await attack("ig", { training: { ...training, localSteps: 6 } })).toBe("audit/steps");
    expect(await attack("ig", { training: { ...training, localSteps: 3 } })).toBeUndefined();
    expect(await attack("gifd", {})).toBe("audit/generator");
    const many = { data: { clients: 1, partition: { scheme: "iid" } }, sampler: { cohort: 1 } } as const;
    expect(await attack("ig", { ...many, training: { ...training, batchSize: 20, localSteps: 1 } })).toBe(
      "audit/batch",
    );
  });
});
