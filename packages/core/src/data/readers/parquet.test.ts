import { describe, expect, it } from "vitest";
import { describedFeatures, namedClasses, withNames } from "./hugging-face.ts";
import { readParquet } from "./parquet.ts";
import { IMAGES, NAMED, TREES } from "./testing/parquet-samples.ts";

describe("readParquet", () => {
  it("puts numeric columns side by side", async () => {
    const dataset = await readParquet(TREES, {
      name: "trees",
      label: "kind",
      features: ["age", "width"],
      group: "site",
    });
    expect(dataset.features).toEqual({
      dtype: "float",
      shape: [4, 2],
      data: Float32Array.of(10, 1.5, 20, 2.5, 30, -3, 40, 0.25),
    });
    expect(dataset.classNames).toEqual(["ash", "elm", "oak"]);
    expect([...dataset.labels.data]).toEqual([2, 1, 2, 0]);
    expect([...dataset.groups!]).toEqual([0, 0, 1, 0]);
    expect(dataset.groupNames).toEqual(["7", "9"]);
  });

  it("spreads lists of numbers", async () => {
    const dataset = await readParquet(IMAGES, { name: "points", label: "label", features: ["point"] });
    expect(dataset.features).toMatchObject({ shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6.5) });
    expect(dataset.classNames).toEqual(["0", "4"]);
    expect([...dataset.labels.data]).toEqual([1, 0]);
  });

  it("decodes a column of images", async () => {
    const dataset = await readParquet(IMAGES, { name: "images", label: "label", features: ["image"], channels: 1 });
    expect(dataset.features).toEqual({ dtype: "uint8", shape: [2, 1, 1, 2], data: Uint8Array.of(1, 2, 250, 3) });
  });

  it("reads a data set in several files, with the names of its classes by Hugging Face", async () => {
    const files = ["a", "b"].map((path) => ({ path, bytes: NAMED }));
    const dataset = await readParquet(files, { name: "pets", label: "label", features: ["x"] });
    expect(dataset.classNames).toEqual(["cat", "dog", "eel"]);
    expect([...dataset.labels.data]).toEqual([1, 0, 1, 1, 0, 1]);
    expect([...dataset.features.data]).toEqual([0.5, 1.5, 2.5, 0.5, 1.5, 2.5]);
    const number = { name: "pets", label: "label", features: ["x"], table: { target: "number" } } as const;
    expect([...(await readParquet(NAMED, number)).labels.data]).toEqual([1, 0, 1]);
    expect(() => withNames([{ label: 3n }], "label", ["cat"], "pets")).toThrow(/row 0, column label.*received 3/);
    for (const text of [undefined, "no JSON", "[]", '{"info":{"features":{"label":{"_type":"Value"}}}}'])
      expect(namedClasses(describedFeatures(text), "label")).toBeUndefined();
  });

  it("says what is missing or unusable", async () => {
    const read = (label: string, ...features: string[]) => readParquet(TREES, { name: "trees", label, features });
    await expect(read("kind", "depth")).rejects.toThrow(/width, age, kind, site, gap.*"depth"/);
    await expect(read("kind", "gap")).rejects.toThrow(/row 1, column gap/);
    await expect(read("gap", "age")).rejects.toThrow(/a label is missing.*row 1, column gap/);
    const cut = readParquet(TREES.subarray(0, 100), { name: "trees", label: "kind", features: ["age"] });
    await expect(cut).rejects.toMatchObject({ code: "data/parquet" });
  });
});
