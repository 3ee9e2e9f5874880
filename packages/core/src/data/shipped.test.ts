import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { rootKey } from "../random/index.ts";
import { checkDataset, exampleCount, exampleSize } from "./dataset.ts";
import { federate } from "./federated.ts";
import { datasetHash } from "./hash.ts";
import { createPartitioner } from "./partitioners/index.ts";
import { readIdx } from "./readers/idx.ts";
import { assetUrl, loadFashionMnist10k, loadShippedDataset, loadTinyShakespeare } from "./shipped.ts";

const read = async (file: string) => new Uint8Array(await readFile(assetUrl(file)));

function imageKeys(images: { data: ArrayLike<number> & { subarray(from: number, to: number): ArrayLike<number> } }) {
  const decoder = new TextDecoder("latin1");
  return Array.from({ length: images.data.length / 784 }, (_, i) =>
    decoder.decode(Uint8Array.from(images.data.subarray(i * 784, (i + 1) * 784))),
  );
}

describe("fashion-mnist-10k", () => {
  it("has 8,000 and 2,000 images, 800 and 200 of each class", async () => {
    const { train, test } = await loadFashionMnist10k(read);
    checkDataset(train);
    checkDataset(test);
    expect(train.features).toMatchObject({ dtype: "uint8", shape: [8000, 1, 28, 28] });
    expect(test.features).toMatchObject({ dtype: "uint8", shape: [2000, 1, 28, 28] });
    for (let label = 0; label < 10; label++) {
      expect(train.labels.data.filter((each) => each === label).length).toBe(800);
      expect(test.labels.data.filter((each) => each === label).length).toBe(200);
    }
    expect(train.classNames[9]).toBe("Ankle boot");
  });

  it("splits the t10k images without loss or overlap", async () => {
    const { train, test } = await loadFashionMnist10k(read);
    const images = await read("fashion-mnist-10k-images-idx3-ubyte.gz");
    const labels = await read("fashion-mnist-10k-labels-idx1-ubyte.gz");
    const whole = readIdx(images, labels, { name: "whole" });
    const parts = [...imageKeys(train.features), ...imageKeys(test.features)];
    expect(parts.sort()).toEqual(imageKeys(whole.features).sort());
  });

  it("is the same split for good", async () => {
    const { train, test } = await loadShippedDataset("fashion-mnist-10k", read);
    expect([datasetHash(train), datasetHash(test)]).toMatchInlineSnapshot(`
      [
        "b1dd855c88ff8bc9",
        "abd55451e5d2c66e",
      ]
    `);
  });
});

describe("tiny-shakespeare", () => {
  it("has windows of speakers, the last tenth of each for testing", async () => {
    const { train, test } = await loadTinyShakespeare(read);
    checkDataset(train);
    checkDataset(test);
    expect(train.vocabulary.length).toBe(65);
    expect(exampleSize(train.features)).toBe(80);
    expect(exampleCount(train)).toBeGreaterThan(10_000);
    expect(exampleCount(test) / (exampleCount(train) + exampleCount(test))).toBeCloseTo(0.1, 1);
    expect(train.groupNames).toContain("ROMEO");
    const text = Array.from(train.features.data.subarray(0, 40), (token) => train.vocabulary[token]).join("");
    expect(text).toBe("Before we proceed any further, hear me s");
  });

  it("makes a client of each speaker", async () => {
    const data = await loadShippedDataset("tiny-shakespeare", read);
    const federated = federate(data, createPartitioner("natural"), { key: rootKey(1), clients: 0 });
    expect(federated.clients).toBe(new Set(data.train.groups).size);
    expect(federated.clients).toBeGreaterThan(200);
  });
});

describe("loadShippedDataset", () => {
  it("names what is shipped", async () => {
    await expect(loadShippedDataset("mnist", read)).rejects.toThrow(
      /fashion-mnist-10k, instructions, tiny-shakespeare/,
    );
  });
});
