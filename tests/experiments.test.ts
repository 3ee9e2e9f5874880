import { createAlgorithm, createModel, layout, parseConfig } from "@anabranch/core";
import { describe, expect, it } from "vitest";
import { filesBelow, readText } from "./source-files.ts";

const examples = {
  "cifar-100": {
    features: { dtype: "uint8", shape: [3, 32, 32] },
    labels: { dtype: "uint8", shape: [] },
    classes: 100,
  },
  "fashion-mnist": {
    features: { dtype: "uint8", shape: [1, 28, 28] },
    labels: { dtype: "uint8", shape: [] },
    classes: 10,
  },
} as const;

/** Run configurations; sweeps name one as their base. */
const runs = filesBelow("experiments").filter((path) => path.endsWith(".toml") && !path.includes("sweep"));

describe("the experiments", () => {
  it.each(runs)("%s can be run: its model and method take its options and fit each other", (path) => {
    const config = parseConfig(readText(path), path);
    const { name, file: _file, initialWeights: _weights, ...options } = config.model;
    const model = createModel(name, examples[config.data.dataset as keyof typeof examples], options);
    const { name: method, file: _own, ...settings } = config.algorithm;
    const { down } = createAlgorithm(method, settings).exchange(layout(model.parameters));
    expect(down["parameters"]!.size).toBe(layout(model.parameters).size);
    expect(readText(path).startsWith("# ")).toBe(true);
    expect(config.data.dataDir).toBeUndefined();
  });
});
