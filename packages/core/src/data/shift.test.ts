import { describe, expect, it } from "vitest";
import { rootKey } from "../random/index.ts";
import {
  type ArrayDataset,
  type FederatedDataset,
  federate,
  iid,
  partitionStatistics,
  type ShiftSettings,
  shiftClients,
} from "./index.ts";

const pixels = (i: number) => [i, i + 1, i + 2, i + 3].map((x) => (x * 20) % 256);
const part = (n: number): ArrayDataset => ({
  name: "tiny",
  features: {
    dtype: "uint8",
    shape: [n, 1, 2, 2],
    data: Uint8Array.from(Array.from({ length: n }, (_, i) => pixels(i)).flat()),
  },
  labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => i % 4) },
  classes: 4,
});
const data = federate({ train: part(16), test: part(4) }, iid(), { key: rootKey(1), clients: 4 });
const settings = (kind: ShiftSettings["kind"], groups = 2, strength = 0.1): ShiftSettings => ({
  kind,
  groups,
  strength,
});
const shift = (given: ShiftSettings, seed = 1, of: FederatedDataset = data) => shiftClients(of, given, rootKey(seed));

/** Image and label of an example of a client. */
function example({ train, partition }: FederatedDataset, client: number, place: number) {
  const row = partition.clients[client]![place]!;
  return { image: Array.from(train.features.data.subarray(4 * row, 4 * row + 4)), label: train.labels.data[row]! };
}

describe("a shift of clients", () => {
  it("is absent by default", () => {
    expect(shift(settings("none"))).toBe(data);
  });

  it("renames the labels of later groups, and leaves the first and the test set", () => {
    const shifted = shift(settings("labels"));
    for (const client of [0, 1, 2, 3]) {
      const [before, after] = [example(data, client, 2), example(shifted, client, 2)];
      expect(after.image).toEqual(before.image);
      expect(after.label).toBe(client < 2 ? before.label : (before.label + 2) % 4);
    }
    expect(shifted.test).toBe(data.test);
    expect(shifted.hash).not.toBe(data.hash);
  });

  it("turns images by equal parts of a circle", () => {
    const shifted = shift(settings("rotation", 4));
    const [a, b, c, d] = example(data, 1, 0).image;
    const turns = [
      [a, b, c, d],
      [b, d, a, c],
      [d, c, b, a],
      [c, a, d, b],
    ];
    expect(example(shifted, 1, 0).image).toEqual(turns[1]);
    expect(example(shift(settings("rotation", 2)), 2, 0).image).toEqual([...example(data, 2, 0).image].reverse());
    expect(example(shifted, 3, 0).label).toBe(example(data, 3, 0).label);
  });

  it("orders pixels anew by group, the same way for all clients of it", () => {
    const shifted = shift(settings("permutation"), 5);
    const order = (client: number) => {
      const [before, after] = [example(data, client, 0).image, example(shifted, client, 0).image];
      return after.map((x) => before.indexOf(x));
    };
    expect(order(0)).toEqual([0, 1, 2, 3]);
    expect(order(2)).toEqual(order(3));
    expect([...order(2)].sort()).toEqual([0, 1, 2, 3]);
  });

  it("puts images into pixel domains", () => {
    const shifted = shift(settings("pixels", 4));
    const [before, after] = [example(data, 2, 0).image, example(shifted, 2, 0).image];
    // 0.5 x - 0.5 on [-1, 1] is half the grey level
    expect(after).toEqual(before.map((x) => Math.round(x / 2)));
  });

  it("adds noise that grows from client to client, within the range of pixels", () => {
    const shifted = shift(settings("noise", 2, 0.5));
    const moved = (client: number) =>
      [0, 1, 2, 3].reduce((sum, place) => {
        const [before, after] = [example(data, client, place).image, example(shifted, client, place).image];
        return sum + after.reduce((total, x, j) => total + Math.abs(x - before[j]!), 0);
      }, 0);
    expect(moved(0)).toBe(0);
    expect(moved(3)).toBeGreaterThan(moved(1));
    expect(Array.from(shifted.train.features.data).every((x) => x >= 0 && x <= 255)).toBe(true);
    expect(shift(settings("noise", 2, 0.5))).toEqual(shifted);
    expect(shift(settings("noise", 2, 0.5), 9)).not.toEqual(shifted);
  });

  it("keeps how many examples clients have", () => {
    const { partition, train } = shift(settings("rotation"));
    const { sizeMin, sizeMax, unused } = partitionStatistics(partition, train.labels.data as Uint8Array, 4);
    expect([sizeMin, sizeMax, unused]).toEqual([4, 4, 0]);
  });

  it.each<[string, ShiftSettings, string]>([
    ["more groups than clients", settings("labels", 5), "at most 4 groups"],
    ["three groups of turns", settings("rotation", 3), "1, 2 or 4 groups"],
  ])("refuses %s", (_name, given, expected) => {
    expect(() => shift(given)).toThrow(expected);
  });

  it("refuses rotations of tables", () => {
    const rows = { ...part(8), features: { dtype: "float", shape: [8, 2], data: new Float32Array(16) } } as const;
    const table = federate({ train: rows, test: rows }, iid(), { key: rootKey(1), clients: 4 });
    for (const kind of ["rotation", "pixels"] as const) {
      expect(() => shift(settings(kind), 1, table)).toThrow("does not fit");
    }
    expect(shift(settings("noise"), 1, table).train.features.data.some((x) => x !== 0)).toBe(true);
  });
});
