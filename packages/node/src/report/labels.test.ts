import { describe, expect, it } from "vitest";
import { configDifferences } from "./config-differences.ts";
import { runLabels } from "./labels.ts";
import { parseRun } from "./run-data.ts";

const run = (name: string, algorithm: string, id: string, seed = 1) =>
  parseRun({ events: JSON.stringify({ type: "run.started", run: id, name, algorithm, seed }) });

describe("runLabels", () => {
  it("adds the algorithm, the seed, the id or a number where names repeat", () => {
    const runs = [run("a", "fedavg", "1"), run("b", "fedavg", "2"), run("b", "scaffold", "3"), run("c", "fedavg", "4")];
    expect(runLabels(runs)).toEqual(["a", "b (fedavg)", "b (scaffold)", "c"]);
    expect(runLabels([run("c", "fedavg", "4"), run("c", "fedavg", "5", 2)])).toEqual(["c, seed 1", "c, seed 2"]);
    expect(runLabels([run("c", "fedavg", "4"), run("c", "fedavg", "5")])).toEqual(["4", "5"]);
    expect(runLabels([run("c", "fedavg", "4"), run("c", "fedavg", "4")])).toEqual(["c #1", "c #2"]);
  });

  it("shortens long names", () => {
    expect(runLabels([run("x".repeat(50), "fedavg", "1")])[0]).toHaveLength(32);
  });
});

describe("configDifferences", () => {
  it("names the keys whose values are not all the same", () => {
    const texts = [
      'seed = 1\n[algorithm]\nname = "fedavg"\n',
      'seed = 1\n[algorithm]\nname = "fedprox"\nproximalStrength = 0.1\n',
    ];
    expect(configDifferences(texts)).toEqual([
      { key: "algorithm.name", values: ['"fedavg"', '"fedprox"'] },
      { key: "algorithm.proximalStrength", values: ["–", "0.1"] },
    ]);
  });

  it("says nothing where a configuration is missing or broken", () => {
    expect(configDifferences(["seed = 1", ""])).toEqual([]);
    expect(configDifferences(["seed = 1", "seed = = 2"])).toEqual([]);
  });
});
