import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { entryView, layout, subLayout } from "../params/index.ts";
import { type FoldRule, fold } from "./fold.ts";
import { partialFold } from "./partial-fold.ts";

const rules: FoldRule[] = ["weightedMean", "uniformMean", "sum"];
const spec = (name: string, size: number) => ({ name, shape: [size], role: "vector" as const, block: name });
const whole = layout([spec("a", 2), spec("b", 3), spec("c", 1), spec("shared", 2)]);
const only = (...names: string[]) => subLayout(whole, ({ name }) => names.includes(name));
/** "c" comes before the shared entry in one part and is its whole in none; "b" and "c" travel together. */
const parts = [only("a", "shared"), only("b", "c", "shared"), only("c", "shared")];

interface Sent {
  readonly part: number;
  readonly weight: number;
  /** Values of all coordinates, of which the part's are sent. */
  readonly values: readonly number[];
}
const integer = fc.integer({ min: -(2 ** 20), max: 2 ** 20 });
const sent: fc.Arbitrary<Sent> = fc.record({
  part: fc.integer({ min: 0, max: parts.length - 1 }),
  weight: fc.integer({ min: 1, max: 1000 }),
  values: fc.array(integer, { minLength: whole.size, maxLength: whole.size }),
});

/** The entries of the update's part, without gaps. */
function upload({ part, values }: Sent): Float64Array {
  const out = new Float64Array(parts[part]!.size);
  for (const entry of parts[part]!.entries) {
    const from = whole.entries.find(({ name }) => name === entry.name)!;
    entryView(out, entry).set(entryView(Float64Array.from(values), from));
  }
  return out;
}

function aggregate(rule: FoldRule, updates: readonly Sent[], groups: readonly number[] = [updates.length]): number[] {
  const running = partialFold(rule, whole, parts);
  let from = 0;
  for (const size of groups) {
    const group = updates.slice(from, from + size);
    running.addAll(
      group.map(upload),
      group.map(({ weight }) => weight),
      undefined,
      group.map(({ part }) => part),
    );
    from += size;
  }
  return [...running.result(new Float64Array(whole.size).fill(Number.NaN))];
}

describe("partialFold", () => {
  it.each(rules)("%s of each entry is exact on integers over those who sent it (BigInt reference)", (rule) => {
    fc.assert(
      fc.property(fc.array(sent, { maxLength: 12 }), (updates) => {
        const got = aggregate(rule, updates);
        for (const entry of whole.entries) {
          const senders = updates.filter(({ part }) => parts[part]!.entries.some(({ name }) => name === entry.name));
          for (let i = entry.offset; i < entry.offset + entry.size; i++) {
            const factor = ({ weight }: Sent) => (rule === "weightedMean" ? BigInt(weight) : 1n);
            const sum = senders.reduce((total, s) => total + factor(s) * BigInt(s.values[i]!), 0n);
            const divisor = rule === "sum" ? 1n : senders.reduce((total, s) => total + factor(s), 0n);
            expect(got[i]).toBe(divisor === 0n ? 0 : Number(sum) / Number(divisor) + 0);
          }
        }
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  it("gives 0 for an entry that nobody sent, or only with weight 0, and forgets on reset", () => {
    const values = [1, 2, 3, 4, 5, 6, 7, 8];
    expect(aggregate("weightedMean", [{ part: 0, weight: 2, values }])).toEqual([1, 2, 0, 0, 0, 0, 7, 8]);
    const unheard = { part: 1, weight: 0, values };
    expect(aggregate("weightedMean", [{ part: 0, weight: 2, values }, unheard])).toEqual([1, 2, 0, 0, 0, 0, 7, 8]);
    const running = partialFold("uniformMean", whole, parts);
    running.addAll([upload(unheard)], [1], undefined, [1]);
    running.reset();
    expect([...running.result(new Float64Array(whole.size))]).toEqual(new Array(whole.size).fill(0));
  });

  it("has the bits of the plain fold where everyone sends everything, however updates are grouped", () => {
    const vectors = [0, 1, 2, 3, 4].map((k) =>
      Float32Array.from({ length: whole.size }, (_, i) => Math.fround(Math.sin(7 * k + i))),
    );
    const weights = [3, 1, 4, 1, 5];
    for (const rule of rules) {
      const reference = fold(rule, whole.size);
      reference.addAll(vectors, weights);
      const running = partialFold(rule, whole, [whole]);
      running.addAll(vectors.slice(0, 2), weights.slice(0, 2), undefined, [0, 0]);
      running.addAll(vectors.slice(2), weights.slice(2), undefined, [0, 0, 0]);
      expect(running.result(new Float32Array(whole.size))).toEqual(reference.result(new Float32Array(whole.size)));
    }
  });

  it("does not depend on how updates are grouped", () => {
    const updates = [0, 1, 2, 0, 1, 2, 2].map((part, k) => ({
      part,
      weight: k + 1,
      values: Array.from({ length: whole.size }, (_, i) => Math.cos(k + 5 * i)),
    }));
    const reference = aggregate("weightedMean", updates);
    for (const groups of [
      [1, 1, 1, 1, 1, 1, 1],
      [2, 2, 3],
      [6, 1],
    ])
      expect(aggregate("weightedMean", updates, groups)).toEqual(reference);
  });

  it.each([
    ["another name", spec("d", 2)],
    ["another size", spec("a", 3)],
  ])("refuses a part with %s", (_what, wrong) => {
    expect(() => partialFold("sum", whole, [layout([wrong])])).toThrow(
      expect.objectContaining({ code: "aggregation/part" }),
    );
  });
});
