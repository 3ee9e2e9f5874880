import { describe, expect, it } from "vitest";
import { readCsv } from "../readers/index.ts";
import { columnGroups } from "./column-groups.ts";

const table = readCsv(new TextEncoder().encode("age,kind,place,y\n1,oak,a,0\n2,elm,b,1\n3,oak,b,0\n4,yew,a,1\n"), {
  name: "trees.csv",
  label: "y",
});

describe("groups by a column", () => {
  it("are its categories, wherever the column is", () => {
    const { groups, names } = columnGroups(table, "kind");
    expect([...groups].map((group) => names[group])).toEqual(["oak", "elm", "oak", "yew"]);
    const places = columnGroups(table, "place");
    expect([...places.groups].map((group) => places.names[group])).toEqual(["a", "b", "b", "a"]);
  });

  it("have one more for examples without a category", () => {
    const data = Float32Array.from(table.features.data as Float32Array);
    const size = table.features.shape[1]!;
    data.fill(0, size + 1, 2 * size); // the second row has no category any more
    const { groups, names } = columnGroups({ ...table, features: { ...table.features, data } as never }, "kind");
    expect([...groups].map((group) => names[group])).toEqual(["oak", "(missing)", "oak", "yew"]);
  });

  it.each([
    ["kinds", /no such column of names.*one of kind, place.*Did you mean "kind"/],
    ["age", /column of numbers.*one of kind, place/],
  ])("are refused for %s", (name, message) => {
    expect(() => columnGroups(table, name)).toThrow(message);
    const { table: _, ...plain } = table;
    expect(() => columnGroups(plain, name)).toThrow(/a table with a column of names/);
  });
});
