import { describe, expect, it } from "vitest";
import { readCifar10, readCifar100 } from "./cifar.ts";

/** A record: label bytes, then 3,072 pixels counting up from `first`. */
function record(labels: number[], first: number): number[] {
  return [...labels, ...Array.from({ length: 3072 }, (_, i) => (first + i) % 256)];
}

describe("CIFAR", () => {
  it("joins files and keeps the colour planes", () => {
    const one = Uint8Array.from([...record([7], 1), ...record([2], 2)]);
    const dataset = readCifar10([one, Uint8Array.from(record([9], 3))]);
    expect(dataset.features.shape).toEqual([3, 3, 32, 32]);
    expect([...dataset.labels.data]).toEqual([7, 2, 9]);
    expect(dataset.features.data[2 * 3072]).toBe(3);
    expect(dataset.features.data[3072 + 1024]).toBe((2 + 1024) % 256);
    expect(dataset.classes).toBe(10);
  });

  it("reads fine or coarse labels of CIFAR-100", () => {
    const file = Uint8Array.from(record([19, 99], 0));
    expect(readCifar100([file])).toMatchObject({ classes: 100, labels: { data: Uint8Array.of(99) } });
    expect(readCifar100([file], { labels: "coarse" })).toMatchObject({
      classes: 20,
      labels: { data: Uint8Array.of(19) },
    });
  });

  it("refuses broken files and impossible labels with the place", () => {
    const good = Uint8Array.from(record([1], 0));
    expect(() => readCifar10([good, good.subarray(0, 3000)])).toThrow(/file 1.*3000 bytes.*3073/);
    expect(() => readCifar10([new Uint8Array(0)])).toThrow(expect.objectContaining({ code: "data/truncated" }));
    expect(() => readCifar10([Uint8Array.from([...record([1], 0), ...record([10], 0)])])).toThrow(/file 0, record 1/);
  });
});
