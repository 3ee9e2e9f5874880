import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { resolveConfig } from "../config/index.ts";
import type { ArrayDataset } from "../data/index.ts";
import { prepareRun } from "./prepare.ts";

function dataset(name: string, sizes: readonly number[]): ArrayDataset {
  const labels = Uint8Array.from(sizes.flatMap((size, label) => new Array<number>(size).fill(label)));
  return {
    name,
    features: { dtype: "float", shape: [labels.length, 2], data: new Float32Array(labels.length * 2) },
    labels: { dtype: "uint8", shape: [labels.length], data: labels },
    classes: sizes.length,
  };
}

function groups(sizes: readonly number[], more: Record<string, unknown> = {}) {
  const config = resolveConfig({
    model: { name: "logistic" },
    data: { clients: 2, partition: { scheme: "iid" } },
    sampler: { cohort: 2 },
    ...more,
  });
  const data = { train: dataset("train", sizes), test: dataset("test", sizes) };
  const { name, version, float } = interpreter();
  return prepareRun(config, data, { name, version, float, fingerprint: "" }, 0, "groups").plan.classGroups;
}

describe("groupsOfClasses", () => {
  it("are known where the commonest class has five times the examples of the rarest", () => {
    expect(groups([80, 16, 4])).toEqual(["head", "middle", "tail"]);
    expect(groups([20, 4])).toEqual(["head", "middle"]);
    expect(groups([19, 4])).toBeUndefined();
  });

  it("are for nobody to see in private runs", () => {
    const secureAggregation = { protocol: "plain" };
    expect(groups([80, 16, 4], { secureAggregation })).toBeUndefined();
  });
});
