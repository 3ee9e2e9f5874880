import { AnabranchError, parseConfig } from "@anabranch/core";
import { describe, expect, it } from "vitest";
import { choicesOf, expandSweep, type Sweep } from "./expand.ts";
import { parseSweepFile } from "./sweep-file.ts";

const base = 'name = "base"\nseed = 7\nrounds = 10\n[model]\nname = "logistic"\n[training]\nlocalEpochs = 2';
const resolve = (set: readonly string[]) => parseConfig(base, "base.toml", set);
const expand = (text: string): Sweep =>
  expandSweep(parseSweepFile(`base = "base.toml"\n${text}`, "s.toml"), resolve, "s.toml");

const runsOf = (sweep: Sweep) =>
  sweep.cases.flatMap((one) =>
    one.seeds.flatMap((seed) => choicesOf(sweep, one).map((choice) => one.run(seed, choice))),
  );

describe("expandSweep", () => {
  it("runs the base with its own seed where nothing is varied", () => {
    const [run, ...more] = runsOf(expand(""));
    expect(more).toEqual([]);
    expect(run).toMatchObject({ variant: "base", seed: 7, values: {}, tuning: false });
    expect(run!.config).toEqual(resolve([]));
  });

  it("combines variants, grid and seeds, and gives each run its variant's name", () => {
    const sweep = expand(`
      seeds = [1, 2]
      [set]
      "evaluation.every" = 3
      [grid]
      "data.partition.alpha" = [0.1, 0.6]
      [[variants]]
      name = "fedavg"
      [[variants]]
      name = "fedsam"
      set = { algorithm.name = "fedsam", algorithm.perturbationRadius = 0.05 }
      [variants.grid]
      "data.partition.alpha" = [0.6]`);
    const runs = runsOf(sweep);
    expect(runs.map(({ variant, values, seed }) => [variant, values["data.partition.alpha"], seed])).toEqual([
      ["fedavg", 0.1, 1],
      ["fedavg", 0.1, 2],
      ["fedavg", 0.6, 1],
      ["fedavg", 0.6, 2],
      ["fedsam", 0.6, 1],
      ["fedsam", 0.6, 2],
    ]);
    expect(new Set(runs.map(({ identity }) => identity)).size).toBe(6);
    expect(runs[5]!.assignments).toEqual([
      "name=fedsam",
      "evaluation.every=3",
      "algorithm.name=fedsam",
      "algorithm.perturbationRadius=0.05",
      "data.partition.alpha=0.6",
      "seed=2",
    ]);
    expect(runs[5]!.config).toMatchObject({ name: "fedsam", seed: 2, data: { partition: { alpha: 0.6 } } });
  });

  it("tunes each variant at each point of the grid, with a third of the rounds and the first seed", () => {
    const { tunings, cases } = expand(`
      seeds = [4, 5]
      [grid]
      "data.partition.alpha" = [0.1, 0.6]
      [tune.grid]
      "training.learningRate" = [0.1, 0.01]`);
    expect(tunings.map(({ at }) => at)).toEqual([{ "data.partition.alpha": 0.1 }, { "data.partition.alpha": 0.6 }]);
    expect(
      tunings[1]!.candidates.map(({ config }) => [config.rounds, config.seed, config.training.learningRate]),
    ).toEqual([
      [4, 4, 0.1],
      [4, 4, 0.01],
    ]);
    expect(tunings[0]!.candidates[0]).toMatchObject({ tuning: true, config: { name: "base-tuning" } });
    expect(cases.map(({ tuning }) => tuning)).toEqual([0, 1]);
    const run = cases[1]!.run(5, { "training.learningRate": 0.01 });
    expect(run).toMatchObject({ tuning: false, config: { rounds: 10, seed: 5, training: { learningRate: 0.01 } } });
  });

  it("tunes once for all points where tune.at fixes the grid", () => {
    const { tunings, cases } = expand(`
      [grid]
      "data.partition.alpha" = [0.1, 0.6]
      "training.batchSize" = [5, 20]
      [tune]
      seed = 9
      rounds = 3
      grid = { training.learningRate = [0.1, 0.01] }
      at = { data.partition.alpha = 0.1 }
      [[variants]]
      name = "a"
      [[variants]]
      name = "b"
      grid = { data.partition.alpha = [0.6] }`);
    const at = (batchSize: number) => ({ "data.partition.alpha": 0.1, "training.batchSize": batchSize });
    expect(tunings.map((tuning) => [tuning.variant, tuning.at])).toEqual([
      ["a", at(5)],
      ["a", at(20)],
      ["b", at(5)],
      ["b", at(20)],
    ]);
    expect(cases.map(({ tuning }) => tuning)).toEqual([0, 1, 0, 1, 2, 3]);
    expect(tunings[2]!.candidates[0]!.config).toMatchObject({
      seed: 9,
      rounds: 3,
      data: { partition: { alpha: 0.1 } },
    });
  });

  it("a name makes no difference to what is computed", () => {
    const [a, b] = runsOf(expand('[[variants]]\nname = "a"\n[[variants]]\nname = "b"'));
    expect(a!.identity).toBe(b!.identity);
  });

  it("tells what is wrong with all variants at once, and what is wrong everywhere only once", () => {
    const text = `
      seeds = [1, 2, 3]
      [grid]
      "data.partition.alpha" = [0.1, 0.6]
      [[variants]]
      name = "one"
      set = { training.learnigRate = 0.1 }
      [[variants]]
      name = "fine"
      [[variants]]
      name = "two"
      set = { training.localSteps = 4 }`;
    const error = refusal(text);
    expect(error.code).toBe("config/sweep");
    expect(error.failure.received!.split("\n")).toEqual([
      expect.stringMatching(/^1\. variant "one", training\.learnigRate: .*Did you mean "training\.learningRate"/),
      expect.stringMatching(/^2\. variant "two", training\.localSteps: /),
    ]);
  });

  it("keeps the code of a single problem, with the variant", () => {
    const { failure } = refusal('[grid]\nrounds = [0]\n[[variants]]\nname = "short"');
    expect(failure).toMatchObject({ code: "config/invalid", where: 's.toml, variant "short", rounds', received: "0" });
  });
});

function refusal(text: string): AnabranchError {
  try {
    expand(text);
  } catch (error) {
    if (error instanceof AnabranchError) return error;
  }
  throw new Error("not refused");
}
