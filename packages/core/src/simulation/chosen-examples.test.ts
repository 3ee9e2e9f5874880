import { describe, expect, it } from "vitest";
import { type ConfigInput, configHash, resolveConfig } from "../config/index.ts";
import { instructions, syntheticDataset, syntheticPopulation } from "../data/index.ts";
import { createModel } from "../models/index.ts";
import { rootKey } from "../random/index.ts";
import { openFederation } from "./federation.ts";

const texts = instructions(rootKey(1), { train: 4, test: 2 });
const images = syntheticDataset(rootKey(1), { shape: [1, 4, 4], classes: 2, examples: 8 });
const configured = (data: ConfigInput["data"]) => resolveConfig({ data, sampler: { cohort: 1 } });
const refusal = (code: string) => expect.objectContaining({ failure: expect.objectContaining({ code }) });

describe("the examples of a run", () => {
  it("are those of the owners that it names, to train and to test", () => {
    const open = (owners: [number, number]) =>
      openFederation(configured({ clients: 0, partition: { scheme: "natural" }, owners }), texts);
    const [first, rest] = [open([0, 4]), open([4, 8])];
    expect([first.clients, rest.clients]).toEqual([4, 4]);
    expect(first.dataset!.test.features.shape[0]).toBe(8);
    expect(new Set(rest.dataset!.test.groups)).toEqual(new Set([4, 5, 6, 7]));
    expect(first.hash).not.toBe(rest.hash);
  });

  it("are transposed on request", () => {
    const open = (transpose: boolean) =>
      openFederation(configured({ clients: 2, partition: { scheme: "iid" }, transpose }), {
        train: images,
        test: images,
      });
    const [upright, transposed] = [open(false), open(true)].map(({ dataset }) => dataset!.test.features.data);
    expect(transposed![1]).toBe(upright![4]);
  });

  it("change the identity of a run only where they are changed", () => {
    const plain = configHash(configured({ clients: 2 }));
    expect(configHash(configured({ clients: 2, transpose: false }))).toBe(plain);
    expect(configHash(configured({ clients: 2, transpose: true }))).not.toBe(plain);
    expect(configHash(configured({ clients: 2, owners: [0, 1] }))).not.toBe(plain);
  });

  it.each([
    { transpose: true },
    { owners: [0, 1] as [number, number] },
  ])("cannot be changed if computed: %j", (change) => {
    const population = syntheticPopulation(1, 2, { shape: [1, 4, 4], classes: 2, examples: 4 }, 4);
    const config = configured({ dataset: "synthetic", clients: 2, ...change });
    expect(() => openFederation(config, population)).toThrow(refusal("config/conflict"));
  });

  it("with labels that do not count need a model that leaves them out", () => {
    const federation = openFederation(configured({ clients: 0, partition: { scheme: "natural" } }), texts);
    const sources = (options: Record<string, unknown>) =>
      federation.sources(
        createModel("char-transformer", federation.examples, { width: 8, depth: 1, ...options }),
        "float32",
      );
    expect(() => sources({})).toThrow(refusal("model/labels"));
    expect(() => sources({ ignoredLabel: 1 })).toThrow(refusal("model/labels"));
    expect(sources({ ignoredLabel: 0 }).holdout).toBeUndefined();
  });
});
