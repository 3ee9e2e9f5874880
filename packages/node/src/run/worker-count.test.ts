import { resolveConfig } from "@anabranch/core";
import { describe, expect, it } from "vitest";
import { openSimulation } from "./simulation.ts";
import { countWorkers } from "./worker-count.ts";

const codes = (count: ReturnType<typeof countWorkers>) => [count.workers, ...count.warnings.map(({ code }) => code)];
const [unused, cores] = ["execution/workers-unused", "execution/workers-cores"];

describe("countWorkers", () => {
  it("starts no worker that could never have a task", () => {
    expect(codes(countWorkers(64, { cohort: 5, evaluation: 1, cores: 8 }))).toEqual([5, unused]);
    expect(codes(countWorkers(64, { cohort: 5, evaluation: 20, cores: 8 }))).toEqual([8, unused]);
    expect(codes(countWorkers(64, { cohort: 5, evaluation: 20, cores: 2 }))).toEqual([5, unused, cores]);
    expect(codes(countWorkers(64, { cohort: 0, evaluation: 0, cores: 2 }))).toEqual([1, unused]);
  });

  it("gives what was asked for where it is of use, and warns above the cores", () => {
    expect(codes(countWorkers(3, { cohort: 5, evaluation: 1, cores: 4 }))).toEqual([3]);
    expect(codes(countWorkers(3, { cohort: 5, evaluation: 1, cores: 2 }))).toEqual([3, cores]);
    expect(codes(countWorkers(0, { cohort: 5, evaluation: 1, cores: 2 }))).toEqual([0]);
  });

  it("takes one for each core by default, without a word where fewer have a task", () => {
    expect(codes(countWorkers(8, { cohort: 5, evaluation: 1, cores: 8 }))).toEqual([5]);
    expect(codes(countWorkers(undefined, { cohort: 50, evaluation: 1, cores: 16 }))).toEqual([16]);
    expect(codes(countWorkers(undefined, { cohort: 5, evaluation: 1, cores: 16 }))).toEqual([5]);
    expect(codes(countWorkers(undefined, { cohort: 5, evaluation: 20, cores: 16 }))).toEqual([16]);
  });
});

describe("a simulation", () => {
  const config = (sampler: object) =>
    resolveConfig({
      data: { dataset: "synthetic", clients: 400 },
      model: { name: "logistic" },
      sampler,
      evaluation: { batch: 100_000 }, // one piece, whatever the cores of this machine
      execution: { executor: "interpreter" },
    });

  it("with 1,000 workers for a cohort of two starts two, and says so", async () => {
    const { workers, plan, close } = await openSimulation(config({ cohort: 2 }), "t", { workers: 1000 });
    await close();
    expect(workers).toBe(2);
    expect(plan.description.workers).toBe(2);
    expect(plan.warnings).toContainEqual({
      code: "execution/workers-unused",
      message: "1000 workers were requested and 2 started: a round has at most 2 clients.",
    });
  });

  it("of Poisson sampling has workers for a large cohort", async () => {
    const sampler = { name: "poisson", cohort: 1 };
    const { workers, close } = await openSimulation(config(sampler), "t", { workers: 1000 });
    await close();
    expect(workers).toBe(5); // 1 + 4 standard deviations of 1
  });
});
