import { describe, expect, it } from "vitest";
import { deriveKey, rootKey } from "./key.ts";
import { randomStream } from "./stream.ts";
import { threefry2x32 } from "./threefry.ts";

const PURPOSES = ["init", "cohort", "batches", "dropout", "partition", "split", "synthetic", "noise"];

describe("keys", () => {
  it("uses all 53 bits of a seed", () => {
    expect(rootKey(7)).toEqual([7, 0]);
    expect(rootKey(2 ** 32 + 7)).toEqual([7, 1]);
    expect(rootKey(2 ** 53 - 1)).toEqual([0xffffffff, 0x1fffff]);
  });

  it.each([-1, 0.5, Number.NaN, 2 ** 53])("refuses the seed %d", (seed) => {
    expect(() => rootKey(seed)).toThrow(expect.objectContaining({ code: "random/key" }));
    expect(() => deriveKey(rootKey(1), "cohort", seed)).toThrow(expect.objectContaining({ code: "random/key" }));
  });

  it("derives along a path, one element at a time", () => {
    const root = rootKey(42);
    expect(deriveKey(root)).toEqual(root);
    expect(deriveKey(root, "batches", 3, 17)).toEqual(deriveKey(deriveKey(deriveKey(root, "batches"), 3), 17));
  });

  it("keeps purposes, rounds, clients and seeds apart", () => {
    const keys = new Set<string>();
    for (const seed of [0, 1]) {
      for (const purpose of PURPOSES) {
        keys.add(deriveKey(rootKey(seed), purpose).join());
        for (let round = 0; round < 20; round++) {
          for (let client = 0; client < 20; client++) {
            keys.add(deriveKey(rootKey(seed), purpose, round, client).join());
          }
        }
      }
    }
    expect(keys.size).toBe(2 * PURPOSES.length * 401);
  });

  it("keeps a name apart from the number it spells, and order matters", () => {
    const root = rootKey(0);
    expect(deriveKey(root, "1")).not.toEqual(deriveKey(root, 1));
    expect(deriveKey(root, "ab", "c")).not.toEqual(deriveKey(root, "a", "bc"));
    expect(deriveKey(root, 1, 2)).not.toEqual(deriveKey(root, 2, 1));
  });

  it("never hands out a block of the key's own stream as a child key", () => {
    const root = rootKey(3);
    const words = new Uint32Array(200);
    randomStream(root).uint32s(words);
    for (let i = 0; i < 100; i++) expect([words[2 * i], words[2 * i + 1]]).not.toEqual(deriveKey(root, i));
  });

  it("has not changed since it was written (old runs must stay reproducible)", () => {
    expect(deriveKey(rootKey(5), 9)).toEqual(threefry2x32([5, 0], [9, 0]));
    expect(deriveKey(rootKey(1), "batches", 2, 3)).toMatchInlineSnapshot(`
      [
        806205920,
        2974921359,
      ]
    `);
  });
});
