import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { entryView, layout, type ParameterSpecLike, requireLayout, subLayout } from "./layout.ts";

const specs: ParameterSpecLike[] = [
  { name: "dense2.weight", shape: [3, 2], role: "head", block: "dense2" },
  { name: "dense1.weight", shape: [4, 3], role: "matrix", block: "dense1" },
  { name: "dense1.bias", shape: [3], role: "vector", block: "dense1" },
  { name: "Dense", shape: [], role: "vector", block: "scalar" },
];

describe("layout", () => {
  it("sorts by code units and leaves no gaps", () => {
    const { entries, size } = layout(specs);
    expect(entries.map((entry) => [entry.name, entry.offset, entry.size])).toEqual([
      ["Dense", 0, 1],
      ["dense1.bias", 1, 3],
      ["dense1.weight", 4, 12],
      ["dense2.weight", 16, 6],
    ]);
    expect(size).toBe(22);
    expect(entries[2]).toMatchObject({ role: "matrix" });
  });

  it("does not depend on the order of the specs, but tells the order of the layers", () => {
    const reference = layout(specs);
    expect(reference.blocks).toEqual(["dense2", "dense1", "scalar"]);
    fc.assert(
      fc.property(fc.shuffledSubarray(specs, { minLength: specs.length }), (shuffled) => {
        const { blocks, ...rest } = layout(shuffled);
        expect({ ...rest, blocks: reference.blocks }).toEqual(reference);
        expect(blocks).toEqual([...new Set(shuffled.map(({ block }) => block))]);
      }),
    );
  });

  it("hashes names and shapes, nothing else", () => {
    const hash = layout(specs).hash;
    expect(layout(specs.map((spec) => ({ ...spec, role: "matrix", block: "x" }))).hash).toBe(hash);
    expect(layout(specs.map((spec) => ({ ...spec, name: `${spec.name}_` }))).hash).not.toBe(hash);
    expect(layout(specs.map((spec) => ({ ...spec, shape: [...spec.shape].reverse() }))).hash).not.toBe(hash);
  });

  it("closes the gaps between some of its entries", () => {
    const { entries, blocks, size, hash } = subLayout(layout(specs), ({ block }) => block !== "dense1");
    expect(entries.map((entry) => [entry.name, entry.offset, entry.size])).toEqual([
      ["Dense", 0, 1],
      ["dense2.weight", 1, 6],
    ]);
    expect([blocks, size]).toEqual([["dense2", "scalar"], 7]);
    expect(hash).not.toBe(layout(specs).hash);
  });

  it("gives views, not copies", () => {
    const { entries, size } = layout(specs);
    const vector = Float64Array.from({ length: size }, (_, i) => i);
    const view = entryView(vector, entries[2]!);
    expect([view.length, view[0]]).toEqual([12, 4]);
    view[0] = -1;
    expect(vector[4]).toBe(-1);
  });

  it.each([
    ["params/duplicate", [specs[0]!, specs[0]!]],
    ["params/name", [{ ...specs[0]!, name: "" }]],
    ["params/name", [{ ...specs[0]!, name: "__proto__" }]],
    ["params/shape", [{ ...specs[0]!, shape: [0] }]],
    ["params/shape", [{ ...specs[0]!, shape: [1.5] }]],
    ["params/shape", [{ ...specs[0]!, shape: [2 ** 30, 2 ** 30] }]],
  ])("refuses: %s", (code, bad) => {
    expect(() => layout(bad)).toThrow(expect.objectContaining({ code }));
  });

  it("refuses another layout by hash and says where", () => {
    expect(() => requireLayout("a", "a", "client 3")).not.toThrow();
    expect(() => requireLayout("a", "b", "client 3")).toThrow(/client 3.*layout b.*layout a/);
  });
});
