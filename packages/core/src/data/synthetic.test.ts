import { describe, expect, it } from "vitest";
import { rootKey } from "../random/index.ts";
import { checkDataset } from "./dataset.ts";
import { syntheticClient, syntheticDataset, syntheticKeys } from "./synthetic.ts";

const SPEC = { shape: [1, 12, 12], classes: 5 };

/** Class whose mean image in `train` is nearest. */
function nearestMean(train: ReturnType<typeof syntheticDataset>, image: ArrayLike<number>): number {
  const size = image.length;
  let best = { label: -1, distance: Number.POSITIVE_INFINITY };
  for (let label = 0; label < train.classes; label++) {
    let distance = 0;
    for (let at = 0; at < size; at++) {
      let sum = 0;
      let count = 0;
      for (let row = label; row < train.labels.data.length; row += train.classes, count++) {
        sum += train.features.data[row * size + at]!;
      }
      distance += (sum / count - image[at]!) ** 2;
    }
    if (distance < best.distance) best = { label, distance };
  }
  return best.label;
}

describe("syntheticDataset", () => {
  it("is decided by the key and the index of each example", () => {
    const whole = syntheticDataset(rootKey(1), { ...SPEC, examples: 20 });
    const tail = syntheticDataset(rootKey(1), { ...SPEC, examples: 8, firstIndex: 12 });
    checkDataset(whole);
    expect(tail.features.data).toEqual(whole.features.data.subarray(12 * 144));
    expect(tail.labels.data).toEqual(whole.labels.data.subarray(12));
    expect(syntheticDataset(rootKey(2), { ...SPEC, examples: 20 }).features.data).not.toEqual(whole.features.data);
  });

  it("is a task that can be learned, and noise of the deviation asked for", () => {
    const train = syntheticDataset(rootKey(3), { ...SPEC, noise: 20, examples: 100 });
    const test = syntheticDataset(rootKey(3), { ...SPEC, noise: 20, examples: 50, firstIndex: 100 });
    for (let i = 0; i < 50; i++) {
      expect(nearestMean(train, test.features.data.subarray(i * 144, (i + 1) * 144))).toBe(test.labels.data[i]);
    }
    const clean = syntheticDataset(rootKey(3), { ...SPEC, noise: 0, examples: 100 });
    let square = 0;
    for (const [at, value] of train.features.data.entries()) square += (value - clean.features.data[at]!) ** 2;
    // 14,400 values of sd 20: the root mean square is within 5 sd (2.9 %) with a false alarm of 6e-7; clipping is rare.
    expect(Math.abs(Math.sqrt(square / 14_400) / 20 - 1)).toBeLessThan(0.029);
  });

  it("takes flat examples too and refuses impossible ones", () => {
    expect(syntheticDataset(rootKey(1), { shape: [10], classes: 2, examples: 3 }).features.shape).toEqual([3, 10]);
    for (const wrong of [{ classes: 0 }, { classes: 300 }, { shape: [0] }, { noise: -1 }, { examples: 1.5 }]) {
      expect(() => syntheticDataset(rootKey(1), { ...SPEC, examples: 2, ...wrong })).toThrow(
        expect.objectContaining({ code: "data/synthetic" }),
      );
    }
  });
});

describe("syntheticClient", () => {
  it("gives any client of a million its own data of the same task", () => {
    const spec = { ...SPEC, noise: 20, examples: 10 };
    const client = syntheticClient(syntheticKeys(rootKey(3)), 999_999, spec);
    expect(client.features.shape).toEqual([10, 1, 12, 12]);
    expect(client).toEqual(syntheticClient(syntheticKeys(rootKey(3)), 999_999, spec));
    expect(client).not.toEqual(syntheticClient(syntheticKeys(rootKey(3)), 999_998, spec));
    const train = syntheticDataset(rootKey(3), { ...SPEC, noise: 20, examples: 100 });
    for (let i = 0; i < 10; i++) {
      expect(nearestMean(train, client.features.data.subarray(i * 144, (i + 1) * 144))).toBe(client.labels.data[i]);
    }
  });

  it("limits the classes that a client sees, and varies them", () => {
    const spec = { ...SPEC, examples: 30, classesPerClient: 2 };
    const pairs = Array.from({ length: 30 }, (_, client) => {
      const seen = [...new Set(syntheticClient(syntheticKeys(rootKey(4)), client, spec).labels.data)].sort();
      expect(seen.length).toBeLessThanOrEqual(2);
      return seen.join();
    });
    expect(new Set(pairs).size).toBeGreaterThan(4);
    expect(() => syntheticClient(syntheticKeys(rootKey(4)), 0, { ...spec, classesPerClient: 6 })).toThrow(
      expect.objectContaining({ code: "data/synthetic" }),
    );
  });
});
