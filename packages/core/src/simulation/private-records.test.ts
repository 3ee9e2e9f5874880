import { interpreter, mean, mul, sqrt, sub } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import type { Algorithm } from "../algorithms/algorithm.ts";
import { diff2 } from "../algorithms/diff2.ts";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import type { ArrayDataset } from "../data/index.ts";
import { logistic } from "../models/logistic.ts";
import type { Model } from "../models/model.ts";
import { createAccountant } from "../privacy/accounting/index.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { inProcessSimulation } from "./in-process.ts";
import { prepareRun } from "./prepare.ts";

const RECORDS = 36;
const CLIP_NORM = 0.2;

const part = (n: number, replaced?: number): ArrayDataset => ({
  name: "points",
  features: {
    dtype: "float",
    shape: [n, 2],
    data: Float32Array.from({ length: 2 * n }, (_, i) => (i >> 1 === replaced ? 3 : Math.sin(i) + 0.5)),
  },
  labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => i % 3) },
  classes: 3,
});

interface World {
  readonly clients?: number;
  readonly protects?: "clients" | "records";
  readonly privacy?: ConfigInput["privacy"];
  readonly secureAggregation?: ConfigInput["secureAggregation"];
  readonly training?: ConfigInput["training"];
  readonly sampler?: ConfigInput["sampler"];
  readonly partition?: NonNullable<ConfigInput["data"]>["partition"];
  readonly holdout?: number;
  readonly model?: Model;
  /** Record that is another one. */
  readonly replaced?: number;
}

function prepare(
  { clients = 6, protects = "records", replaced, partition, holdout = 0, model, secureAggregation, ...more }: World,
  aggregates: number[][] = [],
) {
  const config = resolveConfig({
    rounds: 2,
    data: { clients, holdout, partition: partition ?? { scheme: "iid" } },
    model: { name: "logistic" },
    algorithm: { name: "diff2" },
    training: { batchSize: 1, localEpochs: 1, learningRate: 0.1, ...more.training },
    sampler: { name: "uniform", cohort: clients, ...more.sampler },
    privacy: { mechanism: "gaussian", clipNorm: CLIP_NORM, noiseMultiplier: 0, ...more.privacy },
    ...(secureAggregation === undefined ? {} : { secureAggregation }),
  });
  const method = diff2({ restartEvery: 2, smoothnessBound: 0.1, serverLearningRate: 1, protects });
  const watched: Algorithm = {
    ...method,
    update(state, aggregate, round) {
      aggregates.push(Array.from(aggregate["change"]!));
      return method.update(state, aggregate, round);
    },
  };
  const data = { train: part(RECORDS, replaced), test: part(6) };
  const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;
  return prepareRun(config, data, identity, 0, "records", { algorithm: watched, model });
}

/** [rounds][d] What the server half was given. */
async function released(world: World): Promise<number[][]> {
  const aggregates: number[][] = [];
  const { plan, simulation } = prepare(world, aggregates);
  const { backend, evaluator } = await inProcessSimulation(simulation, interpreter());
  const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
  await runFederation(plan, { backend, evaluator, ...stores, emit: () => {} });
  return aggregates;
}

const difference = (a: readonly number[], b: readonly number[]) => a.map((value, i) => value - b[i]!);

describe("a run that protects records", () => {
  it("clips gradients and differences record by record: as if every record were a client", async () => {
    const [ours, single, whole] = [
      await released({}),
      await released({ clients: RECORDS, protects: "clients" }),
      await released({ protects: "clients" }),
    ];
    for (const round of [0, 1]) {
      const scale = Math.hypot(...single[round]!);
      expect(Math.hypot(...difference(ours[round]!, single[round]!)) / scale).toBeLessThan(1e-12);
      expect(Math.hypot(...difference(ours[round]!, whole[round]!)) / scale).toBeGreaterThan(1e-3);
    }
  });

  it("is moved by one record by no more than twice the clip norm over all records", async () => {
    const [base] = await released({});
    for (let replaced = 0; replaced < RECORDS; replaced++) {
      const [other] = await released({ replaced });
      const moved = Math.hypot(...difference(base!, other!));
      expect(moved).toBeGreaterThan(0);
      expect(moved).toBeLessThanOrEqual(((2 * CLIP_NORM) / RECORDS) * (1 + 1e-12));
    }
  });

  it("is moved no further where clients hold unequal numbers, by the record of any", async () => {
    const unequal = { partition: { scheme: "quantity-skew", alpha: 1 }, holdout: 0.3 } as const;
    const { plan, federation } = prepare(unequal);
    const { fewest, most, total } = federation.examplesHeld;
    expect(most).toBeGreaterThan(2 * fewest);
    expect(plan.stages.privacy!.fewestRecords).toBe(fewest);
    expect(total).toBeLessThan(RECORDS);
    const base = await released(unequal);
    const moves: number[] = [];
    for (let replaced = 0; replaced < RECORDS; replaced++) {
      const [other] = await released({ ...unequal, replaced });
      moves.push(6 * Math.hypot(...difference(base[0]!, other!)));
    }
    const largest = Math.max(...moves);
    expect(largest).toBeLessThanOrEqual(((2 * CLIP_NORM) / fewest) * (1 + 1e-12));
    expect(largest).toBeGreaterThan((2 * CLIP_NORM) / most);
    expect(moves.filter((moved) => moved === 0)).toHaveLength(RECORDS - total);
  });

  it("counts a record that has no finite gradient as zero: its client's other records stay in the sum", async () => {
    const plain = logistic({ input: [2], inputType: "float", classes: 3 });
    // no number where a feature is above 2.5 on average, as for the replaced record
    const model: Model = {
      ...plain,
      forward: (parameters, x, context) =>
        mul(plain.forward(parameters, x, context), sqrt(sub(2.5, mean(x, [1], true)))),
    };
    const [base] = await released({ model });
    const [other] = await released({ model, replaced: 7 });
    const moved = Math.hypot(...difference(base!, other!));
    expect(moved).toBeGreaterThan(0);
    expect(moved).toBeLessThanOrEqual((CLIP_NORM / RECORDS) * (1 + 1e-12));
  });

  it("adds as much less noise as a client has records", async () => {
    const noiseOf = async (protects: "clients" | "records") => {
      const [clean] = await released({ protects });
      const [noisy] = await released({ protects, privacy: { noiseMultiplier: 1 } });
      return difference(noisy!, clean!);
    };
    const [records, clients] = [await noiseOf("records"), await noiseOf("clients")];
    expect(Math.hypot(...clients)).toBeGreaterThan(0);
    for (const [i, value] of records.entries()) expect(6 * value).toBeCloseTo(clients[i]!, 12);
  });

  it("is accounted for replaced records, without amplification by the sampling of clients", () => {
    const event = { kind: "gaussian", noiseMultiplier: 4, adjacency: "replace-one", count: 2 } as const;
    const expected = createAccountant("rdp").epsilon([event], 1e-3).epsilon;
    for (const sampler of [{ name: "uniform" as const }, { name: "poisson" as const, cohort: 2 }]) {
      const { account, warnings, description } = prepare({
        sampler,
        privacy: { noiseMultiplier: 4, delta: 1e-3 },
      }).plan;
      expect(account!.epsilonAfter(2)).toBe(expected);
      expect(account!.assumptions[0]).toMatch(/one record is replaced/);
      expect(warnings).toEqual([]);
      expect(description.privacy).toMatch(/^record-level, at least 6 records per client/);
    }
    const [warning] = prepare({ privacy: { noiseMultiplier: 4, delta: 0.1 } }).plan.warnings!;
    expect(warning!.message).toMatch(/one random record/);
  });

  it.each<[string, World, RegExp]>([
    ["larger batches", { training: { batchSize: 2 } }, /training.batchSize.*one record/s],
    ["several passes", { training: { localEpochs: 2 } }, /training.localEpochs.*once/s],
    ["a number of steps", { training: { localSteps: 6, localEpochs: undefined } }, /training.localSteps.*once/s],
    [
      "integer noise",
      {
        privacy: { mechanism: "discrete-gaussian", noiseMultiplier: 1, minimumSurvivors: 6 },
        secureAggregation: { protocol: "bonawitz" },
      },
      /privacy.mechanism.*remove \[secureAggregation\]/s,
    ],
    ["a clip norm that follows the updates", { privacy: { targetQuantile: 0.5 } }, /privacy.targetQuantile/],
    ["clip norms by layer", { privacy: { clipping: "per-layer" } }, /privacy.clipping/],
    [
      "records in several places",
      { partition: { scheme: "dirichlet", alpha: 0.1, recipe: "equal-size" } },
      /data.partition.scheme.*several places/s,
    ],
  ])("refuses %s", (_what, world, message) => {
    expect(() => prepare(world)).toThrow(message);
  });
});
