import { AnabranchError } from "@anabranch/core";
import { describe, expect, it } from "vitest";
import { parseSweepFile } from "./sweep-file.ts";

const parse = (text: string) => parseSweepFile(text, "folder/my-sweep.toml");

function refusal(text: string): AnabranchError["failure"] {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof AnabranchError) return error.failure;
  }
  throw new Error("not refused");
}

describe("parseSweepFile", () => {
  it("takes nested tables and dotted keys alike, and gives variants what they share", () => {
    const spec = parse(`
      base = "base.toml"
      [set]
      "evaluation.every" = 3
      [set.training]
      batchSize = 5
      [grid]
      data.partition.alpha = [0.1, 0.6]
      [tune]
      rounds = 15
      [tune.grid]
      "training.learningRate" = [0.1, 0.05]
      [tune.at]
      "data.partition.alpha" = 0.1
      [[variants]]
      name = "fedavg"
      [[variants]]
      name = "fedsam"
      set = { algorithm.name = "fedsam" }
      grid = { data.partition.alpha = [0.6], algorithm.perturbationRadius = [0.01, 0.1] }
      tune = { training.learningRate = [0.2, 0.02] }`);
    expect(spec).toMatchObject({
      name: "my-sweep",
      base: "base.toml",
      seeds: undefined,
      set: { "evaluation.every": 3, "training.batchSize": 5 },
      tune: { rounds: 15, metric: "recentAccuracy", at: { "data.partition.alpha": 0.1 } },
    });
    expect(spec.variants).toEqual([
      {
        name: "fedavg",
        set: {},
        grid: { "data.partition.alpha": [0.1, 0.6] },
        tune: { "training.learningRate": [0.1, 0.05] },
      },
      {
        name: "fedsam",
        set: { "algorithm.name": "fedsam" },
        grid: { "data.partition.alpha": [0.6], "algorithm.perturbationRadius": [0.01, 0.1] },
        tune: { "training.learningRate": [0.2, 0.02] },
      },
    ]);
  });

  it.each([
    [
      "no base",
      "seeds = [1]",
      { where: "folder/my-sweep.toml, base", message: "missing key", expected: /path of a run configuration/ },
    ],
    ["an unknown key", 'base = "b"\nseed = [1]', { message: /unknown key "seed"/, advice: /Did you mean "seeds"\?/ }],
    ["a seed that is none", 'base = "b"\nseeds = [0.5]', { received: "0.5", expected: "an integer, at least 0" }],
    ["a seed twice", 'base = "b"\nseeds = [1, 2, 1]', { message: /1 stands there twice/ }],
    [
      "a single value in the grid",
      'base = "b"\n[grid]\n"a.b" = 0.1',
      { where: /grid\.a\.b/, expected: /list of values/ },
    ],
    ["an empty list in the grid", 'base = "b"\n[grid]\na = []', { received: "[]", expected: /list of values/ }],
    [
      "a value twice in the grid",
      'base = "b"\n[grid]\na = [[1], [2], [1]]',
      { where: /, grid\.a$/, message: /\[1\] stands there twice/ },
    ],
    [
      "a value twice in a variant's own list",
      'base = "b"\n[grid]\na = [1]\n[[variants]]\nname = "v"\ngrid = { a = [0.1, 0.1] }',
      { where: /variant "v", grid\.a/, message: /0\.1 stands there twice/ },
    ],
    [
      "a try twice",
      'base = "b"\n[tune.grid]\na = [0.1, 0.1]\n[[variants]]\nname = "v"',
      { where: /, tune\.grid\.a$/, message: /0\.1 stands there twice/ },
    ],
    ["a date", 'base = "b"\n[set]\na = 2026-01-02', { where: /set\.a/, expected: /string, number/ }],
    ["a seed among the keys", 'base = "b"\n[set]\nseed = 2', { message: /"seed" cannot/, advice: /List the seeds/ }],
    ["a key set and varied", 'base = "b"\n[set]\na.b = 1\n[grid]\na.b = [1]', { message: /"a\.b" has a value in two/ }],
    ["a wrong metric", 'base = "b"\n[tune]\nmetric = "loss"', { where: /tune\.metric/, expected: /"recentAccuracy"/ }],
    [
      "an unknown key of a variant",
      'base = "b"\n[[variants]]\nname = "v"\nsets = {}',
      { where: /variant "v"/, advice: /"set"/ },
    ],
    [
      "different budgets",
      'base = "b"\n[tune.grid]\na = [1, 2, 3]\n[[variants]]\nname = "v"\n[[variants]]\nname = "w"\ntune = { a = [1] }',
      { where: /variant "w", tune/, received: "1 values", expected: '3 values, as variant "v" has' },
    ],
    ["nothing to tune", 'base = "b"\n[tune]\nrounds = 2', { message: /nothing to tune/ }],
    [
      "values to tune without a tuning",
      'base = "b"\n[[variants]]\nname = "v"\ntune = { a = [1] }',
      { message: /no \[tune\]/, where: /variant "v"/ },
    ],
    [
      "a tuning at what is in no grid",
      'base = "b"\n[grid]\na = [1]\n[tune]\ngrid = { b = [1] }\nat = { c = 1 }',
      { message: /"c", which is in no grid/, expected: "one of a" },
    ],
    [
      "a tuning at a value of no grid",
      'base = "b"\n[grid]\na = [1, 2]\n[tune]\ngrid = { b = [1] }\nat = { a = 3 }\n[[variants]]\nname = "v"\ngrid = { a = [4] }',
      { message: /"a" at a value/, where: /tune\.at\.a$/, received: "3", expected: "one of 1, 2, 4" },
    ],
  ])("refuses %s", (_what, text, expected) => {
    const { code, ...failure } = refusal(text);
    expect(code).toBe("config/sweep");
    for (const [key, pattern] of Object.entries(expected)) expect(failure[key as "message"]).toMatch(pattern);
  });

  it("tells everything that is wrong at once", () => {
    const { message, received } = refusal('base = "b"\n[set]\nseed = 1\n[grid]\na = 1\nb = []');
    expect(message).toBe("the sweep has 3 problems");
    expect(received!.split("\n")).toEqual([
      expect.stringMatching(/^1\. grid\.a: .*: 1; expected a list of values/),
      expect.stringMatching(/^2\. grid\.b: /),
      expect.stringMatching(/^3\. set\.seed: /),
    ]);
  });

  it("gives the line of what is no TOML", () => {
    expect(refusal('base = "b"\nseeds = = 1')).toMatchObject({
      code: "config/syntax",
      where: expect.stringContaining(":2:"),
    });
  });
});
