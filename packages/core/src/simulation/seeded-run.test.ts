import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import type { ArrayDataset } from "../data/index.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { forLiveClients } from "./for-live-clients.ts";
import { inProcessSimulation } from "./in-process.ts";
import { prepareRun } from "./prepare.ts";

const part = (n: number): ArrayDataset => ({
  name: "mine",
  features: { dtype: "float", shape: [n, 40], data: Float32Array.from({ length: 40 * n }, (_, i) => Math.sin(i * i)) },
  labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => i % 3) },
  classes: 3,
});

function prepare(input: ConfigInput, float: "float32" | "float64" = "float32") {
  const config = resolveConfig({
    rounds: 3,
    data: { clients: 5, partition: { scheme: "iid" } },
    model: { name: "logistic" },
    sampler: { cohort: 5 },
    ...input,
    training: { batchSize: 2, learningRate: 0.01, ...input.training },
  });
  const executor = { name: "none", version: "", fingerprint: "", float } as const;
  return { config, prepared: prepareRun(config, { train: part(20), test: part(6) }, executor, 0, "seeded") };
}

/** A run with messages of float32, on the interpreter. */
async function run(input: ConfigInput) {
  const executor = { ...interpreter(), float: "float32" as const };
  const { plan, simulation } = prepare(input).prepared;
  const { backend, evaluator, close } = await inProcessSimulation(simulation, executor);
  const ports = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates(), emit: () => {} };
  const result = await runFederation(plan, { backend, evaluator, ...ports });
  await close();
  return { ...result, layout: plan.layout };
}

describe("bytes of runs whose model does not travel", () => {
  it("are 17,584 a client and round for FedKSeed at its defaults and 200 steps, and less than 18 KiB with their envelopes", async () => {
    const [down, up] = [4 * 4096, 6 * 200];
    expect(down + up).toBeLessThan(18_000);
    const { history } = await run({ rounds: 2, algorithm: { name: "fedkseed" }, training: { localSteps: 200 } });
    const each = history.map(({ bytesDown, bytesUp }) => [bytesDown / 5, bytesUp / 5] as const);
    for (const [, sent] of each) {
      expect(sent).toBeGreaterThanOrEqual(up);
      expect(sent).toBeLessThan(up + 400);
    }
    expect(each[1]![0]).toBeGreaterThanOrEqual(down);
    expect(each[1]![0]).toBeLessThan(down + 260);
    expect(each[1]![0] + each[1]![1]).toBeLessThan(18 * 1024);
    // the start of 123 floats goes down once
    expect(each[0]![0] - each[1]![0]).toBeGreaterThanOrEqual(4 * 123);
    expect(each[0]![0] - each[1]![0]).toBeLessThan(4 * 123 + 120);
  });

  it("are twice as many coefficients down with pro", async () => {
    const input = (pro: boolean) => ({ algorithm: { name: "fedkseed", seeds: 512, pro }, training: { localSteps: 3 } });
    const [plain, pro] = [await run(input(false)), await run(input(true))];
    const more = (pro.history[1]!.bytesDown - plain.history[1]!.bytesDown) / 5;
    expect(more).toBeGreaterThanOrEqual(4 * 512);
    expect(more).toBeLessThan(4 * 512 + 100);
    expect(pro.history[1]!.bytesUp).toBe(plain.history[1]!.bytesUp);
  });

  it("are one for each slope of Just One Byte", async () => {
    const up = async (localSteps: number) => {
      const { history } = await run({ algorithm: { name: "onebyte" }, training: { localSteps } });
      return history[0]!.bytesUp / 5;
    };
    expect((await up(99)) - (await up(19))).toBe(80);
  });

  it("are the part of the log that a client missed, or the model where that is shorter", async () => {
    const cohort = (seed: number) => ({
      ...{ seed, rounds: 8, sampler: { cohort: 2 } },
      ...{ algorithm: { name: "onebyte" }, training: { localSteps: 4 } },
    });
    const { history } = await run(cohort(1));
    const [model, record] = [4 * 123, 16 + 2 * (4 + 4)];
    for (const { bytesDown, round } of history) {
      expect(bytesDown).toBeLessThan(2 * (model + 400));
      if (round > 6) expect(bytesDown).toBeGreaterThan(2 * record);
    }
    expect(Math.min(...history.map(({ bytesDown }) => bytesDown))).toBeLessThan(2 * (4 * record + 400));
  });
});

describe("a run whose model does not travel", () => {
  const names = ["fedkseed", "onebyte", "ferret"] as const;
  const training = { localSteps: 2 };

  it.each(names)("of %s refuses what it cannot do, and says why", (name) => {
    const algorithm = { name };
    const refused = (input: ConfigInput, message: RegExp) =>
      expect(() => prepare({ algorithm, training, ...input })).toThrow(message);
    refused({ privacy: { mechanism: "gaussian", noiseMultiplier: 1 } }, /privacy.mechanism.*seeded directions/s);
    refused({ secureAggregation: { protocol: "secagg+" } }, /secureAggregation.protocol.*seeded directions/s);
    refused({ aggregation: { clipNorm: 1 } }, /aggregation.clipNorm.*seeded directions/s);
    refused({ aggregation: { rule: "median" } }, /aggregation.rule.*seeded directions/s);
    refused({ schedule: { name: "buffered" } }, /schedule.name.*seeded directions/s);
    refused({ parameters: { personal: "linear" } }, /parameters.personal/);
    refused({ compression: { down: ["sign"] } }, /algorithm.name.*compression.down/s);
    refused({ compression: { up: ["sign"] } }, /compression.up.*Remove compression.up/s);
    const { config, prepared } = prepare({ algorithm, training });
    expect(() => forLiveClients(prepared, config)).not.toThrow();
  });

  it.each(names.slice(0, 2))("of %s needs the number of local steps, and no gradient clip or momentum", (name) => {
    const algorithm = { name };
    expect(() => prepare({ algorithm, training: { localEpochs: 1 } })).toThrow(/training.localSteps/);
    expect(() => prepare({ algorithm, training: { ...training, gradientClip: 1 } })).toThrow(/training.gradientClip/);
    expect(() => prepare({ algorithm, training: { ...training, momentum: 0.9 } })).toThrow(/training.momentum/);
    expect(() => prepare({ algorithm, training: { ...training, weightDecay: 0.1 } })).toThrow(/training.weightDecay/);
  });
});
