import { AnabranchError, type Executor, interpreter } from "@anabranch/engine";
import { beforeAll, describe, expect, it } from "vitest";
import { describeFailure } from "../client/describe-failure.ts";
import { resolveConfig } from "../config/index.ts";
import { runCohort } from "../conformance/run-cohort.ts";
import type { ArrayDataset, TrainTest } from "../data/index.ts";
import { decodeUpdate, encodedSize, encodeUpdate } from "../protocol/index.ts";
import type { Outcome } from "../round/backend.ts";
import { inProcessSimulation } from "./in-process.ts";
import { type ExecutorIdentity, type PreparedRun, prepareRun } from "./prepare.ts";

const part = (n: number): ArrayDataset => ({
  name: "points",
  features: { dtype: "float", shape: [n, 2], data: Float32Array.from({ length: 2 * n }, (_, i) => Math.sin(i)) },
  labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => i % 3) },
  classes: 3,
});
const data: TrainTest = { train: part(30), test: part(11) };
const identity: ExecutorIdentity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" };
const config = resolveConfig({
  data: { clients: 5, holdout: 0.34, partition: { scheme: "iid" } },
  model: { name: "logistic" },
  training: { batchSize: 4, learningRate: 0.1 },
  sampler: { cohort: 2 },
  evaluation: { clientEvery: 1, batch: 4 },
});

describe("inProcessSimulation", () => {
  let executor: Executor;
  let run: PreparedRun;
  let simulation: Awaited<ReturnType<typeof inProcessSimulation>>;
  beforeAll(async () => {
    executor = interpreter();
    run = prepareRun(config, data, identity, 0, "t");
    simulation = await inProcessSimulation(run.simulation, executor);
  });

  const train = async (cohort: readonly number[], learningRate = 0.1) => {
    const outcomes: Outcome[] = [];
    const vectors = { parameters: run.plan.initial };
    const broadcast = { round: 1, vectors, scalars: {} };
    const request = { broadcast, cohort, learningRate };
    await runCohort(simulation.backend, request, (outcome) => void outcomes.push(outcome));
    return { outcomes, bytesDown: encodedSize(broadcast) };
  };

  it("trains on what a client has not held out, and counts encoded bytes", async () => {
    const { outcomes, bytesDown } = await train([4, 1]);
    expect(outcomes.map(({ client }) => client)).toEqual([4, 1]);
    for (const outcome of outcomes) {
      if ("failure" in outcome) throw new Error(outcome.failure.message);
      expect(outcome.update.public).toMatchObject({ examples: 4, steps: 1, weight: 4 }); // 6 rows, 2 held out
      expect(outcome.bytesDown).toBe(bytesDown);
      const bytes = encodeUpdate(outcome.update);
      expect(outcome.bytesUp).toBe(bytes.length);
      expect(decodeUpdate(bytes).vectors).toEqual(outcome.update.vectors);
    }
  });

  it("makes a failure of a client's error, and goes on", async () => {
    const { outcomes } = await train([0, 1], Number.POSITIVE_INFINITY);
    expect(outcomes).toMatchObject([0, 1].map((client) => ({ client, failure: { code: "client/not-finite" } })));
    expect(describeFailure(new AnabranchError({ code: "a/b", message: "m" }))).toEqual({ code: "a/b", message: "m." });
    expect(describeFailure("odd")).toEqual({ code: "client/failed", message: "odd" });
  });

  it("evaluates every row once, whatever the batch, and each client on its own hold-out", async () => {
    const { initial } = run.plan;
    const whole = await simulation.evaluator.evaluate(initial);
    expect(whole.examples).toBe(11);
    const larger = { ...config, evaluation: { ...config.evaluation, batch: 64 } };
    const other = prepareRun(larger, data, identity, 0, "t");
    const { evaluator, close } = await inProcessSimulation(other.simulation, executor);
    const again = await evaluator.evaluate(initial);
    expect(again.score).toBe(whole.score);
    expect(again.loss).toBeCloseTo(whole.loss, 12);
    const clients = await simulation.evaluator.evaluateClients(initial);
    expect(clients.map(({ examples }) => examples)).toEqual([2, 2, 2, 2, 2]);
    expect((await evaluator.evaluateClients(initial)).map(({ score }) => score)).toEqual(clients.map((c) => c.score));
    await close();
  });

  it("has no row on both sides of the hold-out", () => {
    const { train: kept, holdout } = run.simulation;
    if (kept.kind !== "arrays" || holdout?.kind !== "arrays") throw new Error("arrays expected");
    const held = new Set(holdout.rows);
    expect([...kept.rows].filter((row) => held.has(row))).toEqual([]);
    expect(kept.rows.length + holdout.rows.length).toBe(30);
  });
});

describe("prepareRun", () => {
  it("starts from the weights it is given", () => {
    const tensors = {
      "output.weight": { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
      "output.bias": { shape: [3], data: Float32Array.of(7, 8, 9) },
    };
    const names = prepareRun(config, data, identity, 0, "t").plan.layout.entries.map(({ name }) => name);
    const weights = Object.fromEntries(
      names.map((name) => [
        name,
        Object.values(tensors).find(({ shape }) => (shape.length === 1) === name.endsWith("bias"))!,
      ]),
    );
    const { plan } = prepareRun(config, data, identity, 0, "t", { weights: { tensors: weights } });
    expect([...plan.initial].sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it("tells data apart that a checkpoint must not mix", () => {
    const hash = (more: TrainTest) => prepareRun(config, more, identity, 0, "t").plan.dataHash;
    const changed = part(30);
    changed.features.data[5]! += 1e-3;
    expect(hash({ ...data, train: changed })).not.toBe(hash(data));
    expect(hash({ ...data })).toBe(hash(data));
  });
});
