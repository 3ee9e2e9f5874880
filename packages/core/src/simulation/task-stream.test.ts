import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { openDataSource } from "../client/data-source.ts";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import { simulateSmall, smallRun, smallSimulation } from "../conformance/small-live-run.ts";
import type { ArrayDataset } from "../data/index.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import type { EventOf, RunEvent } from "../round/events.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { inProcessSimulation } from "./in-process.ts";
import { type PreparedRun, prepareRun } from "./prepare.ts";

const permuted = (tasks: number, roundsPerTask: number) => ({ kind: "permuted-pixels", tasks, roundsPerTask }) as const;
const split = { kind: "split-classes", tasks: 3, roundsPerTask: 1 } as const;
const dense = { name: "mlp", hidden: [3, 2], bias: false } as const;
/** [1, 3] times a number for each example: every layer input of the first task lies on one line. */
const direction = [1, 3];

/** In (0.5, 1.5), exact in float32; it also decides the class. */
const scale = (i: number) => Math.round(64 * (1 + Math.sin(i) / 2.1)) / 64;

const line = (n: number, from: number): ArrayDataset => ({
  name: "line",
  features: {
    dtype: "float",
    shape: [n, 2],
    data: Float32Array.from({ length: 2 * n }, (_, k) => scale(from + Math.floor(k / 2)) * direction[k % 2]!),
  },
  labels: {
    dtype: "uint8",
    shape: [n],
    data: Uint8Array.from({ length: n }, (_, i) => Math.floor(3 * (scale(from + i) - 0.5))),
  },
  classes: 3,
});

/** One layer [2, 3], each client's examples in one batch, on the interpreter. */
function onLine(more: ConfigInput): PreparedRun {
  const config = resolveConfig({
    ...{ rounds: 6, seed: 6, taskStream: permuted(2, 3) },
    data: { clients: 3, partition: { scheme: "iid" } },
    model: { name: "mlp", hidden: [], bias: false },
    training: { batchSize: 12, localSteps: 2, learningRate: 0.3 },
    sampler: { cohort: 3 },
    algorithm: { name: "fot" },
    ...more,
  });
  const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;
  return prepareRun(config, { train: line(36, 0), test: line(9, 100) }, identity, 0, "line");
}

async function history(prepared: PreparedRun, cutAt?: number) {
  const { plan, simulation } = prepared;
  const { backend, evaluator } = await inProcessSimulation(simulation, interpreter());
  const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
  const events: RunEvent[] = [];
  const stop = new AbortController();
  const emit = (event: RunEvent) => {
    events.push(event);
    if (event.type === "round.finished" && event.round === cutAt) stop.abort();
  };
  const ports = { backend, evaluator, ...stores, emit };
  let result = await runFederation(plan, { ...ports, signal: stop.signal });
  if (cutAt !== undefined) {
    expect(result.round).toBe(cutAt);
    result = await runFederation(plan, ports);
  }
  const evaluations = events.filter((event): event is EventOf<"evaluation"> => event.type === "evaluation");
  return { result, tasks: evaluations.map(({ round, tasks }) => ({ round, tasks })) };
}

describe("a stream of tasks", () => {
  it.each(["fedavg", "scaffold", "fot"])("with one task is the run without: %s", async (name) => {
    const streamed = smallSimulation({ name }, { model: dense, taskStream: permuted(1, 4) });
    const plain = smallSimulation({ name: name === "fot" ? "fedavg" : name }, { model: dense });
    const [a, b] = await Promise.all([streamed, plain].map(({ prepared }) => simulateSmall(prepared)));
    expect(a!.modelHash).toBe(b!.modelHash);
    expect(streamed.prepared.plan.dataHash).not.toBe(plain.prepared.plan.dataHash);
  });

  it("has its own order of features in each task, and the examples of every client", () => {
    const source = openDataSource(onLine({}).simulation.train);
    expect(source.clients).toBe(3);
    const [first, second] = [source.load(1, 3), source.load(1, 4)];
    expect(source.load(1, 99).features).toEqual(second.features);
    expect(second.labels).toEqual(first.labels);
    const swapped = Array.from(second.features.data, (_, k) => second.features.data[k ^ 1]!);
    expect(swapped).toEqual(Array.from(first.features.data));
  });

  it("has some of the classes in each task, in training and evaluation", async () => {
    const prepared = onLine({ rounds: 3, taskStream: split, algorithm: { name: "fedavg" } });
    const source = openDataSource(prepared.simulation.train);
    for (const round of [1, 2, 3])
      for (const client of [0, 1, 2]) expect([...new Set(source.load(client, round).labels.data)]).toEqual([round - 1]);
    const { tasks } = await history(prepared);
    expect(tasks.map(({ tasks: seen }) => seen?.accuracies.length)).toEqual([1, 2, 3]);
  });

  it("is evaluated after each task, whatever the interval", async () => {
    const { prepared } = smallSimulation({ name: "fedavg" }, { taskStream: permuted(2, 1), evaluation: { every: 4 } });
    const { tasks } = await history(prepared);
    expect(tasks.map(({ round }) => round)).toEqual([1, 2, 4]);
    const [learned, now] = [tasks[0]!.tasks!.accuracies[0]!, tasks[2]!.tasks!.accuracies[0]!];
    expect(tasks[0]!.tasks!.forgetting).toBeUndefined();
    expect(tasks[2]!.tasks!.forgetting).toBeCloseTo(learned - now, 12);
  });

  it.each([1, 2, 3, 5])("continues after round %i as if it had not stopped", async (cutAt) => {
    const [whole, cut] = [await history(onLine({})), await history(onLine({}), cutAt)];
    expect(cut.result.modelHash).toBe(whole.result.modelHash);
    expect(cut.tasks.slice(-1)).toEqual(whole.tasks.slice(-1));
    expect(whole.tasks.at(-1)!.tasks!.forgetting).toBeDefined();
  });
});

describe("FOT", () => {
  it("is FedAvg until the first task ends, and never moves outputs of the first task after it", async () => {
    const [fot, fedavg] = [onLine({}), onLine({ algorithm: { name: "fedavg" } })];
    const states = async (prepared: PreparedRun) => {
      const models: Float64Array[] = [];
      const { update } = prepared.plan.algorithm;
      const watched = {
        ...prepared.plan.algorithm,
        update: (...given: Parameters<typeof update>) => {
          const next = update(...given);
          models.push(Float64Array.from(next.vectors.parameters));
          return next;
        },
      };
      await history({ ...prepared, plan: { ...prepared.plan, algorithm: watched } });
      return models;
    };
    const [protectedModels, plainModels] = [await states(fot), await states(fedavg)];
    expect(protectedModels.slice(0, 3)).toEqual(plainModels.slice(0, 3));
    const outputs = (model: Float64Array) =>
      [0, 1, 2].map((c) => direction[0]! * model[c]! + direction[1]! * model[3 + c]!);
    const learned = outputs(protectedModels[2]!);
    for (const model of protectedModels.slice(3))
      for (const [c, value] of outputs(model).entries()) expect(value).toBeCloseTo(learned[c]!, 12);
    const moved = outputs(plainModels[5]!).map((value, c) => Math.abs(value - learned[c]!));
    expect(Math.max(...moved)).toBeGreaterThan(1e-3);
    // it does learn, along what the first task did not use
    expect(protectedModels[5]).not.toEqual(protectedModels[2]);
  });

  it("is derived by plain loops", async () => {
    const prepared = onLine({});
    const source = openDataSource(prepared.simulation.train);
    let x = Array.from(prepared.plan.initial);
    const basis = direction.map((v) => v / Math.hypot(...direction));
    for (let round = 1; round <= 6; round++) {
      const updates = [0, 1, 2].map((client) => {
        const { features, labels } = source.load(client, round);
        let y = [...x];
        for (let step = 0; step < 2; step++) {
          const gradient = new Array<number>(6).fill(0);
          for (let row = 0; row < 12; row++) {
            const [p, q] = [features.data[2 * row]!, features.data[2 * row + 1]!];
            const scores = [0, 1, 2].map((c) => Math.exp(p * y[c]! + q * y[3 + c]!));
            const total = scores.reduce((a, b) => a + b);
            for (let c = 0; c < 3; c++) {
              const error = (scores[c]! / total - (labels.data[row] === c ? 1 : 0)) / 12;
              gradient[c]! += error * p;
              gradient[3 + c]! += error * q;
            }
          }
          y = y.map((v, k) => v - 0.3 * gradient[k]!);
        }
        return y.map((v, k) => v - x[k]!);
      });
      let mean = x.map((_, k) => (updates[0]![k]! + updates[1]![k]! + updates[2]![k]!) / 3);
      if (round > 3) {
        const along = [0, 1, 2].map((c) => basis[0]! * mean[c]! + basis[1]! * mean[3 + c]!);
        mean = mean.map((v, k) => v - basis[Math.floor(k / 3)]! * along[k % 3]!);
      }
      x = x.map((v, k) => v + mean[k]!);
    }
    const { result } = await history(prepared);
    for (const [k, value] of result.parameters.entries()) expect(value).toBeCloseTo(x[k]!, 9);
  });

  it("sends sketches in the last round of each task but the last", async () => {
    const { prepared } = smallSimulation({ name: "fot" }, { model: dense, rounds: 6, taskStream: permuted(3, 2) });
    const { result } = await history(prepared);
    const [up, down] = [result.history.map(({ bytesUp }) => bytesUp), result.history.map(({ bytesDown }) => bytesDown)];
    const more = (bytes: number[]) => bytes.map((value) => value > bytes[0]!);
    expect(more(up)).toEqual([false, true, false, true, false, false]);
    expect(more(down)).toEqual([false, true, false, true, false, false]);
    expect(down[3]).toBeGreaterThan(down[1]!);
  });

  it("ends well where everyone fails in the round of the sketches", async () => {
    const { prepared } = smallSimulation({ name: "fot" }, { model: dense, taskStream: permuted(2, 2) });
    const alter = (backend: Parameters<NonNullable<Parameters<typeof simulateSmall>[1]>>[0]) => ({
      ...backend,
      async outcome(id: string) {
        const outcome = await backend.outcome(id);
        if (!id.startsWith("2/")) return outcome;
        const failure = { code: "client/absent", message: "away" };
        return { client: outcome.client, failure, bytesDown: outcome.bytesDown, retried: false };
      },
    });
    const result = await simulateSmall(prepared, alter);
    expect(result.stopped).toBe("finished");
    expect(result.parameters.every(Number.isFinite)).toBe(true);
  });
});

describe("refused", () => {
  const small = (algorithm: ConfigInput["algorithm"], more: ConfigInput) => () => smallSimulation(algorithm, more);
  const fot = { name: "fot" };
  const taskStream = permuted(2, 2);

  it("are streams that do not fit the run or the data", () => {
    expect(small({ name: "fedavg" }, { taskStream: permuted(3, 2) })).toThrow(/taskStream.tasks.*3 tasks of 2 round/s);
    expect(small({ name: "fedavg" }, { taskStream: { kind: "none", tasks: 9 } })).toThrow(/taskStream.tasks/);
    expect(small({ name: "fedavg" }, { taskStream: { ...split, tasks: 2 } })).toThrow(
      /does not fit the data.*Set taskStream.tasks to 1 or 3\./s,
    );
    // nobody has the third class
    expect(small({ name: "fedavg" }, { taskStream: split })).toThrow(/no examples of a task/);
  });

  it("are hold-outs, public examples, record-level privacy and live runs", () => {
    const data = { clients: 4, partition: { scheme: "iid" }, holdout: 0.2 };
    expect(small({ name: "fedavg" }, { data, taskStream })).toThrow(/data.holdout/);
    const shared = { clients: 4, partition: { scheme: "iid" }, publicExamples: 2 };
    expect(small({ name: "fedmd" }, { data: shared, taskStream })).toThrow(/data.publicExamples.*of no task/s);
    const privacy = { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1, delta: 1e-3 } as const;
    const training = { batchSize: 4, learningRate: 0.1 };
    const diff2 = { rounds: 4, privacy, training, sampler: { name: "full", cohort: 4 }, taskStream } as const;
    expect(small({ name: "diff2" }, diff2)).toThrow();
    expect(() => smallRun({ name: "fedavg" }, { taskStream })).toThrow(/taskStream.kind.*live/s);
  });

  it("is FOT without tasks, on other layers, with noise, with secure aggregation and with rules", () => {
    expect(small(fot, {})).toThrow(/taskStream.kind.*fot/s);
    const options = { model: { name: "lenet5" }, taskStream } as const;
    expect(small(fot, options)).toThrow();
    const privacy = { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1, delta: 1e-3 } as const;
    expect(small(fot, { model: dense, taskStream, privacy })).toThrow(/privacy.mechanism.*sketch/s);
    expect(small(fot, { model: dense, taskStream, secureAggregation: { protocol: "bonawitz" } })).toThrow(
      /secureAggregation.protocol.*sketch/s,
    );
    expect(small(fot, { model: dense, taskStream, aggregation: { rule: "median" } })).toThrow(/aggregation.rule/);
  });
});
