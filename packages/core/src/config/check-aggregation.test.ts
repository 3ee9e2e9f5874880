import { describe, expect, it } from "vitest";
import { type ConfigInput, resolveConfig } from "./index.ts";

const resolve = (aggregation: ConfigInput["aggregation"], cohort = 10) =>
  resolveConfig({ aggregation, sampler: { cohort } }).aggregation;

describe("a rule of [aggregation]", () => {
  it("weighs all updates alike unless it can weigh and is asked to", () => {
    expect(resolve({}).weighting).toBe("examples");
    expect(resolve({ rule: "median" }).weighting).toBe("uniform");
    expect(resolve({ rule: "geometric-median", weighting: "examples" }).weighting).toBe("examples");
    expect(resolve({ before: ["norm-bound"], norm: 1 }).weighting).toBe("uniform");
  });

  it("adds no key to a configuration that has none", () => {
    expect(resolve({})).toEqual({ weighting: "examples", clipNorm: 0 });
  });

  it.each<[string, ConfigInput["aggregation"], RegExp]>([
    [
      "too many attackers for Krum",
      { rule: "krum", byzantine: 4 },
      /byzantine.*at most 3 \(n >= 2f \+ 3\).*cohort to 11/s,
    ],
    ["too many attackers for Bulyan", { rule: "bulyan", byzantine: 2 }, /at most 1 \(n >= 4f \+ 3\).*cohort to 11/s],
    ["half of the cohort", { rule: "median", byzantine: 5 }, /at most 4 \(n > 2f\)/],
    [
      "attackers among few buckets",
      { rule: "median", byzantine: 3, before: ["bucketing"] },
      /in 5 buckets.*at most 2/s,
    ],
    ["a missing number of attackers", { rule: "krum" }, /aggregation.byzantine.*nothing.*set it/s],
    ["a missing radius", { rule: "centred-clipping" }, /aggregation.radius/],
    [
      "trimming by both",
      { rule: "trimmed-mean", byzantine: 1, ratio: 0.1 },
      /byzantine = 1 and ratio = 0.1.*one of the two/,
    ],
    ["trimming by neither", { rule: "trimmed-mean" }, /neither.*one of the two/],
    ["an option of another rule", { rule: "median", radius: 1 }, /radius.*Only "centred-clipping" read this key/],
    ["attackers beside a mean", { byzantine: 2 }, /byzantine.*with aggregation.rule = "mean"/],
    ["a stage twice", { rule: "median", before: ["bucketing", "bucketing"] }, /each stage once/],
    ["weights of a rule without", { rule: "median", weighting: "examples" }, /weighting.*"uniform"/],
    ["weights after mixing", { before: ["nnm"], byzantine: 1, weighting: "examples" }, /weighting.*"uniform"/],
    ["more averaged than there are", { rule: "multi-krum", byzantine: 2, average: 11 }, /average.*at most 10/],
    [
      "how many are averaged where the rule itself says it",
      { rule: "multi-krum", byzantine: 2, mode: "iterative", average: 3 },
      /aggregation.average.*3, with aggregation.mode = "iterative"/s,
    ],
    ["an unknown rule", { rule: "kurm" as "krum" }, /krum/],
  ])("refuses %s", (_, aggregation, message) => {
    expect(() => resolve(aggregation)).toThrow(message);
  });
});
