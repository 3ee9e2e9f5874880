import { AnabranchError } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { openDataSource } from "../client/data-source.ts";
import { smallRun } from "../conformance/small-live-run.ts";
import {
  type ClientLimits,
  requireAllowed,
  requireModelAllowed,
  requireTaskAllowed,
  taskMemory,
  USUAL_LIMITS,
} from "./client-limits.ts";
import { describeTask, openTask, type TaskDescription } from "./task-description.ts";

const { config, prepared } = smallRun({ name: "scaffold" });
const honest = describeTask(config, prepared);
const open = openTask(honest);
const examples = { train: openDataSource(prepared.simulation.train).load(0) };
const held = examples.train.features.shape[0]!;

/** Message of the refusal; undefined: the client takes part. */
function refusal(changes: Partial<ClientLimits>, description: TaskDescription = honest): string | undefined {
  const limits = { ...USUAL_LIMITS, ...changes };
  try {
    requireAllowed(limits, description);
    openTask(description, undefined, (payloads) => requireModelAllowed(limits, payloads, description));
    requireTaskAllowed(limits, description, open.task, examples);
    return undefined;
  } catch (error) {
    if (!(error instanceof AnabranchError)) throw error;
    expect(["client/limit", "model/option"]).toContain(error.code);
    return error.message;
  }
}

describe("the limits of a client", () => {
  it("allow a usual run", () => {
    expect(refusal({})).toBeUndefined();
  });

  it("bound the work, the model, the memory, the rounds, the method and the examples", () => {
    // 2 x 3 + 3 + 3 x 2 + 2 + 2 x 3 + 3 = 26 parameters and as many control values, in float64
    const download = 52 * 8;
    const memory = taskMemory(open.task, 3, held);
    const within = { work: 12, download, memory, rounds: 4, algorithms: ["fedavg", "scaffold"], minimumExamples: held };
    expect(refusal(within)).toBeUndefined();
    expect(refusal({ work: 11 })).toMatch(/trains longer/);
    expect(refusal({ download: download - 1 })).toMatch(/larger model/);
    expect(refusal({ memory: memory - 1 })).toMatch(/more memory/);
    expect(refusal({ rounds: 3 })).toMatch(/more rounds/);
    expect(refusal({ algorithms: ["fedavg"] })).toMatch(/a method/);
    expect(refusal({ minimumExamples: held + 1 })).toMatch(/too few examples/);
  });

  it("bound the directions from which a model is rebuilt", () => {
    const { config, live } = smallRun({ name: "fedkseed", seeds: 16 });
    const described = describeTask(config, live);
    expect(refusal({ work: 16 }, described)).toBeUndefined();
    expect(refusal({ work: 15 }, described)).toMatch(/more directions/);
  });

  it("count what a step computes, and what K steps are given", () => {
    const of = (batchSize: number) => openTask({ ...honest, training: { ...honest.training, batchSize } }, undefined);
    expect(() => of(8)).toThrow(/not that of the server/);
    const one = taskMemory(open.task, 1, held);
    const many = taskMemory(open.task, 1_000_000, held);
    // indices and weights of 4 rows, a learning rate and a loss
    expect(many - one).toBeGreaterThanOrEqual(2 * 999_999 * (4 * 4 + 4 * 8 + 8));
    expect(taskMemory(open.task, 1, 1000) - one).toBeGreaterThanOrEqual(2 * (1000 - held) * (2 * 8 + 1));
  });
});

describe("a description made to exhaust its clients is refused before anything is built", () => {
  const changed = (changes: Partial<TaskDescription>): TaskDescription => ({ ...honest, ...changes });
  const most = 2 ** 31;
  const vit = { input: [3, 64, 64], inputType: "uint8" };
  const images = { ...honest.data, features: { dtype: "uint8" as const, shape: [3, 64, 64] } };
  it.each<[string, TaskDescription, RegExp]>([
    ["steps", changed({ budget: { localSteps: most } }), /trains longer/],
    ["epochs", changed({ budget: { localEpochs: most } }), /trains longer/],
    ["rows of a batch", changed({ training: { ...honest.training, batchSize: 10_000_001 } }), /trains longer/],
    ["rounds", changed({ rounds: most }), /more rounds/],
    ["rows of an evaluation", changed({ evaluationBatch: most }), /more memory/],
    [
      "values of an example",
      changed({ data: { ...images, features: { dtype: "float", shape: Array(8).fill(most) } } }),
      /larger examples/,
    ],
    [
      "values of a label",
      changed({ data: { ...images, labels: { dtype: "int32", shape: [most] } } }),
      /larger examples/,
    ],
    ["parameters", changed({ model: { name: "mlp", options: { hidden: [2 ** 16, 2 ** 16] } } }), /larger model/],
    ["classes", changed({ data: { ...honest.data, classes: most } }), /larger model/],
    [
      "widths of a transformer",
      changed({ data: images, model: { name: "vit", options: { ...vit, width: 2 ** 20, depth: 256 } } }),
      /larger model/,
    ],
  ])("%s", (_what, description, message) => {
    expect(refusal({}, description)).toMatch(message);
  });

  it.each([
    ["blocks of a transformer", changed({ data: images, model: { name: "vit", options: { ...vit, depth: most } } })],
    ["layers", changed({ model: { name: "mlp", options: { hidden: Array(1000).fill(1) } } })],
    [
      "coordinates",
      changed({
        data: { ...honest.data, features: { dtype: "float", shape: [2 ** 17] } },
        model: { name: "quadratic", options: {} },
      }),
    ],
  ])("%s", (_what, description) => {
    expect(refusal({}, description)).toMatch(/cannot be made with these options/);
  });
});
