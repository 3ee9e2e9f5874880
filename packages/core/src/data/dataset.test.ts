import { describe, expect, it } from "vitest";
import { rootKey } from "../random/index.ts";
import { type ArrayDataset, checkDataset, exampleCount, selectRows } from "./dataset.ts";
import { federate } from "./federated.ts";
import { datasetHash, partitionHash } from "./hash.ts";
import { createPartitioner } from "./partitioners/index.ts";
import { splitByClass } from "./split.ts";

/** `n` examples [2]: (i, 2i), label i mod 3, owner i mod 2. */
function example(n = 12): ArrayDataset {
  return {
    name: "example",
    features: {
      dtype: "uint8",
      shape: [n, 2],
      data: Uint8Array.from({ length: 2 * n }, (_, i) => (i >> 1) * (1 + (i & 1))),
    },
    labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => i % 3) },
    classes: 3,
    groups: Int32Array.from({ length: n }, (_, i) => i % 2),
  };
}

describe("selectRows", () => {
  it("copies rows in the order given, with labels and groups", () => {
    const chosen = selectRows(example(), [5, 0, 5]);
    expect([...chosen.features.data]).toEqual([5, 10, 0, 0, 5, 10]);
    expect(chosen.features.shape).toEqual([3, 2]);
    expect([...chosen.labels.data]).toEqual([2, 0, 2]);
    expect([...chosen.groups!]).toEqual([1, 0, 1]);
    expect(() => selectRows(example(), [12])).toThrow(expect.objectContaining({ code: "data/row" }));
  });
});

describe("checkDataset", () => {
  it("accepts what fits and names what does not", () => {
    checkDataset(example());
    const { labels } = example();
    expect(() => checkDataset({ ...example(), labels: { ...labels, shape: [11] } })).toThrow(
      expect.objectContaining({ code: "data/shape" }),
    );
    expect(() => checkDataset({ ...example(), groups: new Int32Array(3) })).toThrow(
      expect.objectContaining({ code: "data/shape" }),
    );
    expect(() => checkDataset({ ...example(), classes: 2 })).toThrow(expect.objectContaining({ code: "data/label" }));
  });
});

describe("datasetHash", () => {
  it("depends on every part of the contents, not on the name", () => {
    const base = datasetHash(example());
    expect(base).toMatch(/^[0-9a-f]{16}$/);
    expect(datasetHash({ ...example(), name: "other" })).toBe(base);
    const changed = example();
    changed.features.data[3]! ^= 1;
    const { groups: _, ...ungrouped } = example();
    const reshaped = { ...example(), features: { ...example().features, shape: [12, 1, 2] } };
    const variants = [changed, ungrouped, reshaped, { ...example(), classes: 4 }, example(11)];
    expect(new Set([base, ...variants.map(datasetHash)]).size).toBe(6);
  });

  it("tells partitions apart by order and by owner", () => {
    const rows = (...values: number[]) => Int32Array.from(values);
    const hashes = [
      { clients: [rows(1, 2), rows(3)] },
      { clients: [rows(2, 1), rows(3)] },
      { clients: [rows(1), rows(2, 3)] },
      { clients: [rows(3), rows(1, 2)] },
    ].map(partitionHash);
    expect(new Set(hashes).size).toBe(4);
  });
});

describe("splitByClass", () => {
  it("keeps the class shares and separates the sides", () => {
    const { train, test } = splitByClass(example(30), 0.2, rootKey(1));
    expect([exampleCount(train), exampleCount(test)]).toEqual([24, 6]);
    for (let label = 0; label < 3; label++) expect(test.labels.data.filter((each) => each === label).length).toBe(2);
    const first = (part: ArrayDataset) => Array.from(part.features.data).filter((_, i) => i % 2 === 0);
    expect([...first(train), ...first(test)].sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => i));
  });
});

describe("federate", () => {
  it("deals out the training set and hashes all of it", () => {
    const data = splitByClass(example(30), 0.2, rootKey(1));
    const federated = federate(data, createPartitioner("iid"), { key: rootKey(2), clients: 4 });
    expect(federated.clients).toBe(4);
    expect(federated.partition.clients.reduce((sum, rows) => sum + rows.length, 0)).toBe(24);
    const again = federate(data, createPartitioner("iid"), { key: rootKey(2), clients: 4 });
    const other = federate(data, createPartitioner("iid"), { key: rootKey(3), clients: 4 });
    expect(again.hash).toBe(federated.hash);
    expect(other.hash).not.toBe(federated.hash);
  });

  it("takes the number of clients from natural groups", () => {
    const data = { train: example(), test: example() };
    expect(federate(data, createPartitioner("natural"), { key: rootKey(2), clients: 0 }).clients).toBe(2);
  });

  it("refuses label rules on data without one label an example", () => {
    const text = { ...example(), labels: { ...example().features, data: new Uint8Array(24) } };
    const data = { train: text, test: text };
    expect(() => federate(data, createPartitioner("dirichlet"), { key: rootKey(0), clients: 2 })).toThrow(
      expect.objectContaining({ code: "partition/labels" }),
    );
    expect(federate(data, createPartitioner("quantity-skew"), { key: rootKey(0), clients: 2 }).clients).toBe(2);
  });
});
