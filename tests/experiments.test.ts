import { dirname, join } from "node:path";
import {
  type Config,
  createAlgorithm,
  createModel,
  frozenBase,
  layout,
  namedModelParts,
  parseConfig,
  splitParameters,
} from "@anabranch/core";
import { describe, expect, it } from "vitest";
import { experimentsPage } from "../experiments/readme.ts";
import { expandSweep } from "../packages/node/src/sweep/expand.ts";
import { parseSweepFile } from "../packages/node/src/sweep/sweep-file.ts";
import { filesBelow, readText } from "./source-files.ts";

/** One example of each data set. */
const fashion = {
  features: { dtype: "uint8", shape: [1, 1, 28, 28] },
  labels: { dtype: "uint8", shape: [1] },
  classes: 10,
} as const;
const examples = {
  "cifar-100": {
    features: { dtype: "uint8", shape: [1, 3, 32, 32] },
    labels: { dtype: "uint8", shape: [1] },
    classes: 100,
  },
  "fashion-mnist": fashion,
  "fashion-mnist-10k": fashion,
  "image-neighbours": {
    features: { dtype: "float", shape: [1, 64] },
    labels: { dtype: "uint8", shape: [1] },
    classes: 10,
  },
  "image-questions": {
    features: { dtype: "uint8", shape: [1, 790] },
    labels: { dtype: "uint8", shape: [1] },
    classes: 17,
  },
  instructions: {
    features: { dtype: "uint8", shape: [1, 61] },
    labels: { dtype: "uint8", shape: [1, 61] },
    classes: 39,
  },
  "tiny-shakespeare": {
    features: { dtype: "uint8", shape: [1, 80] },
    labels: { dtype: "uint8", shape: [1, 80] },
    classes: 90,
  },
} as const;

const files = filesBelow("experiments").filter((path) => path.endsWith(".toml"));
/** Run configurations; sweeps name one as their base. */
const runs = files.filter((path) => !path.endsWith(".sweep.toml"));
const sweeps = files.filter((path) => path.endsWith(".sweep.toml"));

/** Builds the model and the method of a configuration, and what they exchange. */
function assembled(config: Config): void {
  const { name, options } = namedModelParts(config);
  const { dataset, questions } = config.data;
  const kind = questions.families.length > 0 ? "image-questions" : dataset;
  const configured = createModel(name, examples[kind as keyof typeof examples], options);
  const { name: method, file: _own, ...settings } = config.algorithm;
  const algorithm = createAlgorithm(method, settings);
  const model = algorithm.trains?.(configured) ?? configured;
  const { personal: own, frozen = [] } = algorithm;
  const personal = own === undefined || own.ifPresent === true ? [] : own.layers;
  const taken = personal.filter((layer) => !layer.startsWith("!")).map((layer) => `!${layer}`);
  const still = model.base === undefined ? frozen : [...frozenBase(model), ...taken, ...frozen];
  const { shared } = splitParameters(layout(model.parameters), { personal, frozen: still });
  const { localSteps } = config.training;
  const steps = localSteps === undefined ? {} : { localSteps };
  expect(algorithm.payloads(shared, steps).broadcast["parameters"]!.size).toBe(shared.size);
}

describe("the experiments", () => {
  it.each(runs)("%s can be run: its model and method take its options and fit each other", (path) => {
    const config = parseConfig(readText(path), path);
    assembled(config);
    expect(readText(path).startsWith("# ")).toBe(true);
    expect(config.data.dataDir).toBeUndefined();
  });

  it.each(sweeps)("%s can be carried out", (path) => {
    const spec = parseSweepFile(readText(path), path);
    const base = join(dirname(path), spec.base);
    const { cases } = expandSweep(spec, (set) => parseConfig(readText(base), base, set), path);
    expect(cases.length).toBeGreaterThan(1);
    for (const one of cases) assembled(one.run(1, {}).config);
  });

  it("have a page that says what the results say", () => {
    expect(readText("experiments/README.md")).toBe(experimentsPage());
  });
});
