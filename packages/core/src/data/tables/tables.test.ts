import { describe, expect, it } from "vitest";
import { readCsv } from "../readers/csv.ts";
import { readParquet } from "../readers/parquet.ts";
import { TREES } from "../readers/testing/parquet-samples.ts";
import { featureNames, tableEncoding } from "./encoding.ts";
import { pooledStatistics, standardizeTable, withStatistics } from "./standardize.ts";
import type { TableOptions } from "./table-options.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const read = (text: string, table: TableOptions = {}, more = {}) =>
  readCsv(bytes(text), { name: "t.csv", label: "y", table, ...more });
/** Features row by row. */
function rowsOf({ features: { data, shape } }: ReturnType<typeof read>): number[][] {
  const width = shape[1]!;
  return Array.from({ length: shape[0]! }, (_, row) => [...data.subarray(row * width, (row + 1) * width)]);
}

describe("text columns", () => {
  const table = "size,kind,y\n1,oak,a\n2,elm,b\n3,oak,a\n";

  it("become one feature for each category, sorted", () => {
    const dataset = read(table);
    expect(rowsOf(dataset)).toEqual([
      [1, 0, 1],
      [2, 1, 0],
      [3, 0, 1],
    ]);
    expect(featureNames(dataset.table)).toEqual(["size", "kind = elm", "kind = oak"]);
    expect(tableEncoding.parse(JSON.parse(JSON.stringify(dataset.table)))).toEqual(dataset.table);
  });

  it("of another file get the same features, whatever occurs there", () => {
    const { table: encoding } = read(table);
    const other = read("kind,y,size\noak,b,7\n", {}, { encoding });
    expect(rowsOf(other)).toEqual([[7, 0, 1]]);
    expect(() => read("kind,y,size\nash,b,7\n", {}, { encoding })).toThrow(
      /unknown category \(t.csv, line 2, column kind\); received "ash"; expected one of elm, oak/,
    );
    const renamed = read("art,y,groesse\noak,b,7\n", {}, { encoding, features: ["groesse", "art"] });
    expect(rowsOf(renamed)).toEqual([[7, 0, 1]]);
    expect(() => read("kind,y,size\noak,b,7\n", {}, { encoding, features: ["size"] })).toThrow(/2: size, kind/);
  });

  it("can be columns of codes, and have given categories", () => {
    expect(rowsOf(read("zip,y\n10,a\n9,b\n", { oneHot: ["zip"] }))).toEqual([
      [0, 1],
      [1, 0],
    ]);
    const given = read("kind,y\noak,a\n", { categories: { kind: ["oak", "elm", "ash"] } });
    expect(rowsOf(given)).toEqual([[1, 0, 0]]);
    expect(() => read("kind,y\nfir,a\n", { categories: { kind: ["oak", "elm"] } })).toThrow(/unknown category/);
  });

  it("are refused when mixed with numbers, too many or too long", () => {
    expect(() => read("x,y\nred,a\n5,b\n")).toThrow(/both text and numbers \(t.csv, line 3, column x\).*oneHot/);
    expect(() => read("x,y\n5,a\nred,b\n")).toThrow(/not a number \(t.csv, line 3, column x\)/);
    const many = Array.from({ length: 1025 }, (_, i) => `name${i},a`).join("\n");
    expect(() => read(`x,y\n${many}\n`)).toThrow(/column x.*1,025 categories.*at most 1,024/);
    expect(() => read(`x,y\n${"z".repeat(300)},a\n`)).toThrow(/too long for a category/);
  });

  it("of Parquet files are read alike", async () => {
    const dataset = await readParquet(TREES, { name: "trees", label: "age", features: ["width", "kind"] });
    expect(featureNames(dataset.table!)).toEqual(["width", "kind = ash", "kind = elm", "kind = oak"]);
    const gap = { name: "trees", label: "kind", features: ["gap"], table: { missing: -1 } };
    expect((await readParquet(TREES, gap)).features.data[1]).toBe(-1);
  });
});

describe("missing values", () => {
  const table = "size,kind,y\n1,oak,a\nNA,elm,b\n3,,a\n3,oak,a\n";

  it("are refused with row and column", () => {
    expect(() => read(table)).toThrow(/a value is missing \(t.csv, line 3, column size\).*data.table.missing/);
    expect(() => read("size,y\n1,\n")).toThrow(/a label is missing \(t.csv, line 2, column y\)/);
  });

  it.each<[TableOptions["missing"], number, number[]]>([
    ["mean", Math.fround(7 / 3), [0, 1]],
    ["most-frequent", 3, [0, 1]],
    [-9, -9, [0, 0]],
  ])("are filled by %s", (missing, number, category) => {
    const rows = rowsOf(read(table, { missing }));
    expect(rows[1]![0]).toBe(number);
    expect(rows[2]!.slice(1)).toEqual(category);
  });

  it("of another file are filled as in the training file", () => {
    const { table: encoding } = read(table, { missing: "mean" });
    expect(rowsOf(read("size,kind,y\n,oak,a\n100,,b\n", {}, { encoding }))).toEqual([
      [Math.fround(7 / 3), 0, 1],
      [100, 0, 1],
    ]);
  });

  it("can be shown by features of their own", () => {
    const dataset = read(table, { missing: "mean", missingIndicator: true });
    expect(featureNames(dataset.table)).toEqual(["size", "size missing", "kind = elm", "kind = oak", "kind missing"]);
    expect(rowsOf(dataset).map((row) => [row[1], row[4]])).toEqual([
      [0, 0],
      [1, 0],
      [0, 1],
      [0, 0],
    ]);
  });

  it("cannot be all there is", () => {
    expect(() => read("size,y\n,a\nNA,b\n", { missing: "mean" })).toThrow(/no values.*column size/);
  });
});

describe("targets that are numbers", () => {
  it("are float labels", () => {
    const dataset = read("x,y\n1,2.5\n2,-1e3\n", { target: "number" });
    expect(dataset.labels).toEqual({ dtype: "float", shape: [2], data: Float32Array.of(2.5, -1000) });
    expect([dataset.classes, dataset.classNames]).toEqual([1, undefined]);
    expect(() => read("x,y\n1,high\n", { target: "number" })).toThrow(
      /a target is not a number \(t.csv, line 2, column y\)/,
    );
    expect(() => read("x,y\n1,\n", { target: "number" })).toThrow(/a label is missing/);
  });
});

describe("standardising", () => {
  const partition = { clients: [Int32Array.of(0, 2), Int32Array.of(3), Int32Array.of()] };

  it("pools sums over the clients' rows alone", () => {
    const values = [1, 1000, 4, 7];
    // mean 4, squared distances 9, 0, 9
    expect(pooledStatistics(partition, (row) => values[row]!)).toEqual([4, Math.sqrt(6)]);
    expect(pooledStatistics({ clients: [] }, () => 1)).toBeUndefined();
    // a constant column, and one whose sum of squares would lose all digits
    expect(pooledStatistics(partition, () => 3)).toEqual([3, 1]);
    const [mean, deviation] = pooledStatistics(partition, (row) => 1e9 + values[row]!)!;
    expect([mean, deviation]).toEqual([1e9 + 4, Math.sqrt(6)]);
  });

  it("scales numbers and targets, leaves categories, and gives other files the same scale", () => {
    const text = "x,kind,y\n1,oak,10\n99,elm,99\n4,oak,20\n7,oak,30\n";
    const raw = read(text, { target: "number" });
    const encoding = withStatistics(raw, raw.table, partition, {});
    expect(encoding).toMatchObject({
      columns: [{ name: "x", mean: 4, deviation: Math.sqrt(6) }, { name: "kind" }],
      target: { mean: 20 },
    });
    const scaled = standardizeTable(raw, encoding);
    expect(rowsOf(scaled)[0]).toEqual([Math.fround(-3 / Math.sqrt(6)), 0, 1]);
    expect(scaled.labels.data[2]).toBe(0);
    expect(read(text, { target: "number" }, { encoding })).toEqual(scaled);
  });

  it("takes public statistics where they are given", () => {
    const raw = read("x,z,y\n1,5,a\n3,6,b\n");
    const rows = { clients: [Int32Array.of(0, 1)] };
    const encoding = withStatistics(raw, raw.table, rows, { x: [10, 2] });
    expect(encoding.columns).toMatchObject([
      { mean: 10, deviation: 2 },
      { mean: 5.5, deviation: 0.5 },
    ]);
    expect(rowsOf(standardizeTable(raw, encoding))).toEqual([
      [-4.5, -1],
      [-3.5, 1],
    ]);
  });
});

describe("columns that are not there", () => {
  it("are suggested the nearest name", () => {
    expect(() => read("size,y\n1,a\n", {}, { features: ["sise"] })).toThrow(/Did you mean "size"/);
    expect(() => read("size,y\n1,a\n", { oneHot: ["sizes"] })).toThrow(
      expect.objectContaining({ code: "data/column" }),
    );
  });
});
