import { describe, expect, it } from "vitest";
import { createColours } from "../terminal/colours.ts";
import { labelled, table, together, wrap } from "./text.ts";

describe("wrap", () => {
  it("breaks at spaces, gives long words a line, and keeps together what belongs together", () => {
    expect(wrap("one two three four", 9)).toEqual(["one two", "three", "four"]);
    expect(wrap("a extraordinary b", 6)).toEqual(["a", "extraordinary", "b"]);
    expect(wrap(`x, ${together("beta = 0.9")}, y`, 10)).toEqual(["x,", "beta = 0.9,", "y"]);
    expect(wrap("first\nsecond", 20)).toEqual(["first", "second"]);
    expect(wrap("anything at all", Number.POSITIVE_INFINITY)).toEqual(["anything at all"]);
  });
});

describe("table", () => {
  const { bold } = createColours(true);
  const columns = [{ head: "name" }, { head: "n", right: true }, { head: "text" }];

  it("aligns columns, by what is visible, and wraps the last one", () => {
    const rows = [
      [bold("a"), "1", "some words that are too many"],
      ["long name", "1000", "few"],
    ];
    expect(table(columns, rows, 42)).toEqual([
      "name          n  text",
      `${bold("a")}             1  some words that are too`,
      "                 many",
      "long name  1000  few",
    ]);
  });

  it("stays a head where there are no rows", () => {
    expect(table(columns, [], 80)).toEqual(["name  n  text"]);
  });
});

it("labelled texts stay in their column", () => {
  const pairs = [
    ["where", "run.toml:12"],
    ["received", "a text that is longer than its line"],
  ] as const;
  expect(labelled(pairs, 34)).toEqual([
    "  where     run.toml:12",
    "  received  a text that is longer",
    "            than its line",
  ]);
});
