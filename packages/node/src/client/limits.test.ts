import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDataSource } from "@anabranch/core";
import { type LocalExamples, type OpenTask, openTask, type TaskDescription } from "@anabranch/core/live";
import { AnabranchError, interpreter } from "@anabranch/engine";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ClientLimits, estimateMemory, requireWithin } from "./limits.ts";
import { pointsRun } from "./testing/points-run.ts";

let folder: string;
let description: TaskDescription;
let open: OpenTask;
let examples: LocalExamples;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-limits-"));
  const run = await pointsRun(folder, interpreter());
  description = run.description;
  open = openTask(description);
  examples = { train: openDataSource(run.prepared.simulation.train).load(0) };
});

afterAll(() => rm(folder, { recursive: true }));

function codeFor(limits: ClientLimits): string | undefined {
  try {
    requireWithin(limits, description, open, examples);
    return undefined;
  } catch (error) {
    return error instanceof AnabranchError ? error.code : String(error);
  }
}

describe("the limits of a client", () => {
  it("are none unless they are given", () => {
    expect(codeFor({})).toBeUndefined();
  });

  it("bound the work, the model, the memory, the method and the examples", () => {
    const held = examples.train.features.shape[0]!;
    // 2 x 4 + 4 + 4 x 3 + 3 = 27 parameters and as many control values, in float64
    const download = 54 * 8;
    const memory = estimateMemory(open, examples.train);
    const within = { work: 12, download, memory, algorithms: ["fedavg", "scaffold"], minimumExamples: held };
    expect(codeFor(within)).toBeUndefined();
    expect(codeFor({ work: 11 })).toBe("client/limit");
    expect(codeFor({ download: download - 1 })).toBe("client/limit");
    expect(codeFor({ memory: memory - 1 })).toBe("client/limit");
    expect(codeFor({ algorithms: ["fedavg"] })).toBe("client/limit");
    expect(codeFor({ minimumExamples: held + 1 })).toBe("client/limit");
  });
});
