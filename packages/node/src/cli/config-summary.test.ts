import { resolveConfig } from "@anabranch/core";
import { describe, expect, it } from "vitest";
import { configSummary } from "./config-summary.ts";

describe("the summary of a configuration", () => {
  it("has no row for sections at their defaults", () => {
    const labels = configSummary(resolveConfig({})).map(([label]) => label);
    expect(labels).toEqual(["data", "model", "algorithm", "training", "cohort", "rounds", "seed"]);
  });

  it("has what sections set that are not at their defaults", () => {
    const summary = configSummary(
      resolveConfig({
        data: { dataset: "fashion-mnist-10k" },
        taskStream: { kind: "split-classes", tasks: 2 },
        training: { loss: { confusion: 0.3 }, calibration: { samples: 20 } },
        adapters: { rank: [16, 4], rule: "flexlora" },
      }),
    );
    expect(Object.fromEntries(summary)).toMatchObject({
      taskStream: "kind split-classes, tasks 2",
      loss: "confusion 0.3",
      calibration: "samples 20",
      adapters: "rank [16,4], rule flexlora",
    });
  });
});
