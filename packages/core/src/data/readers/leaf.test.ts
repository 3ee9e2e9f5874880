import { describe, expect, it } from "vitest";
import { readLeaf, readLeafSplit } from "./leaf.ts";
import type { TextDataset } from "./text-by-speaker.ts";

type User = { x: unknown[]; y: unknown[] };
function file(data: Record<string, User>, more: object = {}, path = "all_data.json") {
  const json = {
    users: Object.keys(data),
    num_samples: Object.values(data).map(({ y }) => y.length),
    user_data: data,
    ...more,
  };
  return { path, bytes: new TextEncoder().encode(JSON.stringify(json)) };
}
const name = "leaf";
const digits = {
  f01: {
    x: [
      [0, 0.5, 1, 1],
      [1, 1, 0, 0],
    ],
    y: [3, 10],
  },
  f02: { x: [[0.25, 0, 0, 0]], y: [3] },
};

describe("readLeaf", () => {
  it("reads rows of numbers by user, as images on request (FEMNIST)", () => {
    const dataset = readLeaf([file(digits)], { name });
    expect(dataset.features).toMatchObject({ dtype: "float", shape: [3, 4] });
    expect([...dataset.features.data.slice(0, 4)]).toEqual([0, 0.5, 1, 1]);
    expect([dataset.classNames, [...dataset.labels.data]]).toEqual([
      ["3", "10"],
      [0, 1, 0],
    ]);
    expect([dataset.groupNames, [...dataset.groups!]]).toEqual([
      ["f01", "f02"],
      [0, 0, 1],
    ]);
    const images = readLeaf([file(digits)], { name, size: { width: 2, height: 2 } });
    expect(images.features.shape).toEqual([3, 1, 2, 2]);
    expect(() => readLeaf([file(digits)], { name, size: { width: 3, height: 3 } })).toThrow(/9 or 27 values for 3 x 3/);
  });

  it("reads windows of characters with the next one (Shakespeare)", () => {
    const dataset = readLeaf([file({ HAMLET: { x: ["to b", "o be"], y: ["e", ","] } })], { name });
    const text = (data: ArrayLike<number>) =>
      Array.from(data, (token) => (dataset as TextDataset).vocabulary[token]).join("");
    expect(text(dataset.features.data)).toBe("to bo be");
    expect(text(dataset.labels.data)).toBe("o be be,");
    expect(dataset.labels.shape).toEqual([2, 4]);
    expect(dataset.classes).toBe(6);
  });

  it("counts hashed words of tweets (Sent140)", () => {
    const tweet = (text: string) => ["1467", "Mon Apr 06", "NO_QUERY", "ann", text];
    const dataset = readLeaf([file({ ann: { x: [tweet("Good, good day!"), tweet("bad day")], y: [4, 0] } })], {
      name,
      words: 64,
    });
    expect(dataset.features.shape).toEqual([2, 64]);
    const counts = Array.from(dataset.features.data);
    const [first, second] = [counts.slice(0, 64), counts.slice(64)];
    expect([Math.max(...first), first.reduce((a, b) => a + b)]).toEqual([2, 3]);
    // "day" is the word that both have
    expect(first.filter((count, i) => count > 0 && second[i]! > 0)).toEqual([1]);
    expect(dataset.classNames).toEqual(["0", "4"]);
  });

  it("joins files, and gives both parts of a split the same classes, characters and users", () => {
    const train = file({ A: { x: ["ab"], y: ["c"] } }, {}, "train/0.json");
    const test = file({ B: { x: ["za"], y: ["b"] }, A: { x: ["ab"], y: ["b"] } }, {}, "test/0.json");
    const split = readLeafSplit([train], [test], { name });
    expect([split.train.classes, split.test.classes, split.testRows]).toEqual([4, 4, "clients"]);
    expect([...split.test.groups!].map((group) => split.test.groupNames![group])).toEqual(["B", "A"]);
    expect(readLeaf([train, file({ A: { x: ["cc"], y: ["a"] } })], { name }).groupNames).toEqual(["A"]);
  });

  it.each<[string, object, RegExp]>([
    ["a user without data", file(digits, { users: ["f01", "f02", "f03"] }), /a user has no data.*user "f03"/],
    ["a number of samples that is wrong", file(digits, { num_samples: [2, 2] }), /user "f02".*1 x, 1 y, num_samples 2/],
    ["fewer labels than examples", file({ a: { x: [[1], [2]], y: [1] } }), /numbers of examples/],
    [
      "rows of two lengths",
      file({ a: { x: [[1, 2], [2]], y: [1, 2] } }),
      /user "a", example 1.*received 1; expected 2/,
    ],
    ["a value that is none", file({ a: { x: [[1, null]], y: [1] } }), /not a number.*received null/],
    ["no class", file({ a: { x: [[1]], y: [null] } }), /no class/],
    ["windows of two lengths", file({ a: { x: ["ab", "abc"], y: ["c", "d"] } }), /not a window.*2 characters/],
    ["no users", file({}), /no examples/],
    ["another layout", { path: "x.json", bytes: new TextEncoder().encode('{"users": 3}') }, /x\.json.*users/],
    ["no JSON", { path: "x.json", bytes: new TextEncoder().encode('{"users": [') }, /read as JSON.*x\.json/],
    ["an inherited user", file({}, { users: ["toString"], num_samples: [1] }), /no data/],
  ])("refuses %s", (_what, broken, message) => {
    expect(() => readLeaf([broken as ReturnType<typeof file>], { name })).toThrow(message);
  });
});
