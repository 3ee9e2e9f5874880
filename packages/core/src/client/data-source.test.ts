import type { HostTensor } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { syntheticKeys } from "../data/synthetic.ts";
import { rootKey } from "../random/index.ts";
import { arrayDataSpec, evaluationRanges, openDataSource } from "./data-source.ts";

const features: HostTensor = { dtype: "uint8", shape: [5, 2], data: Uint8Array.from({ length: 10 }, (_, i) => i) };
const labels: HostTensor = { dtype: "uint8", shape: [5], data: Uint8Array.of(0, 1, 2, 3, 4) };
const spec = arrayDataSpec(features, labels, [Int32Array.of(4, 0), Int32Array.of(), Int32Array.of(1, 1, 3)]);

describe("shared arrays", () => {
  const source = openDataSource(spec);

  it("give each client its rows, in order, repeated where they repeat, as copies", () => {
    expect(source.clients).toBe(3);
    const first = source.load(0);
    expect(first.features).toEqual({ dtype: "uint8", shape: [2, 2], data: Uint8Array.of(8, 9, 0, 1) });
    expect([...first.labels.data]).toEqual([4, 0]);
    first.features.data[0] = 99;
    expect(source.load(0).features.data[0]).toBe(8);
    expect(source.load(1).features.shape).toEqual([0, 2]);
    expect([...source.load(2).labels.data]).toEqual([1, 1, 3]);
  });

  it("give the rows of several clients at once", () => {
    const { data, counts } = source.loadRange(0, 3);
    expect(counts).toEqual([2, 0, 3]);
    expect([...data.labels.data]).toEqual([4, 0, 1, 1, 3]);
  });

  it("never give out shared memory", () => {
    const shared = new Uint8Array(new SharedArrayBuffer(10));
    const source = openDataSource({ ...spec, features: { ...features, data: shared as Uint8Array } } as typeof spec);
    expect(source.load(0).features.data.buffer).toBeInstanceOf(ArrayBuffer);
  });
});

describe("a computed population", () => {
  const population = { shape: [2, 2], classes: 3, examples: 4 };
  const computed = { kind: "synthetic", keys: syntheticKeys(rootKey(3)), clients: 1e9, spec: population } as const;

  it("gives any client its own data, the same each time", () => {
    const source = openDataSource(computed);
    expect(source.load(999_999_999)).toEqual(source.load(999_999_999));
    expect(source.load(0)).not.toEqual(source.load(1));
    expect(source.loadRange(7, 8)).toEqual({ data: source.load(7), counts: [4] });
  });
});

describe("evaluationRanges", () => {
  const sized = (...sizes: number[]) =>
    arrayDataSpec(
      features,
      labels,
      sizes.map((size) => new Int32Array(size)),
    );

  it("puts small clients together up to a batch and never splits one", () => {
    expect(evaluationRanges(sized(2, 2, 2, 9, 1), 5)).toEqual([
      [0, 2],
      [2, 3],
      [3, 4],
      [4, 5],
    ]);
    expect(evaluationRanges(sized(0, 0, 3), 5)).toEqual([[0, 3]]);
    expect(evaluationRanges(sized(), 5)).toEqual([]);
  });
});
