import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rootKey } from "../random/index.ts";
import { splitHoldout } from "./holdout.ts";
import { createPartitioner } from "./partitioners/index.ts";

const LABELS = Uint8Array.from({ length: 1000 }, (_, i) => i % 10);

function partition(name: string, options: object, clients: number, seed: number) {
  return createPartitioner(name, options).partition(LABELS, { key: rootKey(seed), classes: 10, clients });
}

describe("splitHoldout", () => {
  it("holds out the exact share of a disjoint partition", () => {
    const whole = partition("iid", {}, 10, 1);
    const { train, holdout } = splitHoldout(whole, 0.2, rootKey(2));
    for (const [client, rows] of whole.clients.entries()) {
      expect(holdout.clients[client]!.length).toBe(20);
      const union = [...train.clients[client]!, ...holdout.clients[client]!].sort((a, b) => a - b);
      expect(union).toEqual([...rows].sort((a, b) => a - b));
    }
  });

  it("never lets an example straddle the sides, and leaves every client a training row", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 200 }),
        fc.double({ min: 0, max: 0.95, noNaN: true }),
        fc.nat(),
        (clients, fraction, seed) => {
          const whole = partition("dirichlet", { alpha: 0.05 }, clients, seed);
          const { train, holdout } = splitHoldout(whole, fraction, rootKey(seed));
          const trained = new Set(train.clients.flatMap((rows) => [...rows]));
          const held = holdout.clients.flatMap((rows) => [...rows]);
          expect(held.some((row) => trained.has(row))).toBe(false);
          expect(train.clients.every((rows) => rows.length > 0)).toBe(true);
          const places = (rows: readonly Int32Array[]) => rows.reduce((sum, each) => sum + each.length, 0);
          expect(places(train.clients) + held.length).toBe(places(whole.clients));
        },
      ),
      { numRuns: 40 },
    );
  });

  it("comes near the share where clients hold rows in common", () => {
    const whole = partition("dirichlet", { alpha: 0.1 }, 20, 3);
    const { holdout } = splitHoldout(whole, 0.2, rootKey(4));
    const share = holdout.clients.reduce((sum, rows) => sum + rows.length, 0) / 1000;
    expect(share).toBeGreaterThan(0.15);
    expect(share).toBeLessThan(0.3);
  });

  it("is decided by the key and keeps small clients usable", () => {
    const tiny = { clients: [Int32Array.from([5]), Int32Array.from([6, 7]), new Int32Array(0)] };
    const { train, holdout } = splitHoldout(tiny, 0.5, rootKey(1));
    expect(train.clients.map((rows) => rows.length)).toEqual([1, 1, 0]);
    expect(holdout.clients.map((rows) => rows.length)).toEqual([0, 1, 0]);
    const whole = partition("iid", {}, 10, 1);
    expect(splitHoldout(whole, 0.2, rootKey(1))).toEqual(splitHoldout(whole, 0.2, rootKey(1)));
    expect(splitHoldout(whole, 0.2, rootKey(1))).not.toEqual(splitHoldout(whole, 0.2, rootKey(2)));
  });

  it("refuses to hold out everything", () => {
    expect(() => splitHoldout({ clients: [] }, 1, rootKey(0))).toThrow(
      expect.objectContaining({ code: "partition/holdout-fraction" }),
    );
  });
});
