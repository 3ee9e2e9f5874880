import fc from "fast-check";
import { gzipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { readCsv } from "./csv.ts";
import { parseCsv } from "./csv-table.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const IRIS = "width,height,kind,site\n1.5,2,oak,A\n-3,4e2,elm,B\n0,1,oak,A\n";

describe("parseCsv", () => {
  const cells = (text: string, delimiter = ",") => Array.from(parseCsv(text, delimiter, "t"), (row) => row.cells);

  it("understands quotes, line ends, empty cells and a byte-order mark", () => {
    expect(cells('\ufeffa,"b, ""c""\nd"\r\n,\n\n"",x,')).toEqual([
      ["a", 'b, "c"\nd'],
      ["", ""],
      ["", "x", ""],
    ]);
    expect(cells("a;b\nc;d", ";")).toEqual([
      ["a", "b"],
      ["c", "d"],
    ]);
  });

  it("counts lines through quoted line breaks", () => {
    expect(Array.from(parseCsv('a\n"x\ny"\nb', ",", "t"), (row) => row.line)).toEqual([1, 2, 4]);
  });

  it("reads back what RFC 4180 quoting wrote", () => {
    const cell = fc.string({ unit: fc.constantFrom("a", ",", '"', "\n", "\r", "7", " ") });
    fc.assert(
      fc.property(fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 6 }), (rows) => {
        const text = rows.map((row) => row.map((each) => `"${each.replaceAll('"', '""')}"`).join(",")).join("\r\n");
        expect(cells(text)).toEqual(rows);
      }),
    );
  });

  it("refuses broken quoting with the line", () => {
    expect(() => cells('a\n"b')).toThrow(/line 2.*closing quote/);
    expect(() => cells('"a"b')).toThrow(expect.objectContaining({ code: "data/csv-syntax" }));
  });
});

describe("readCsv", () => {
  it("separates features, label and owner", () => {
    const dataset = readCsv(gzipSync(bytes(IRIS)), { name: "trees", label: "kind", group: "site" });
    expect(dataset.features).toEqual({
      dtype: "float",
      shape: [3, 2],
      data: Float32Array.of(1.5, 2, -3, 400, 0, 1),
    });
    expect(dataset.classNames).toEqual(["elm", "oak"]);
    expect([...dataset.labels.data]).toEqual([1, 0, 1]);
    expect([...dataset.groups!]).toEqual([0, 1, 0]);
    expect(dataset.groupNames).toEqual(["A", "B"]);
  });

  it("sorts numeric classes by value and can take the order of another set", () => {
    expect(readCsv(bytes("x,y\n1,10\n1,9\n"), { name: "n", label: "y" }).classNames).toEqual(["9", "10"]);
    const fixed = readCsv(bytes("x,y\n1,10\n"), { name: "n", label: "y", classNames: ["9", "10"] });
    expect([...fixed.labels.data]).toEqual([1]);
    expect(() => readCsv(bytes("x,y\n1,11\n"), { name: "n", label: "y", classNames: ["9", "10"] })).toThrow(
      expect.objectContaining({ code: "data/label" }),
    );
  });

  it("names line and column of what it cannot use", () => {
    const read = (text: string) => () => readCsv(bytes(text), { name: "trees", label: "kind" });
    expect(read("width,kind\n1,oak\nwide,elm\n")).toThrow(/line 3, column width.*"wide"/);
    expect(read("width,kind\n,oak\n")).toThrow(expect.objectContaining({ code: "data/csv-value" }));
    expect(read("width,kind\n1,oak,2\n")).toThrow(/line 2.*3 cells.*2 cells/);
    expect(read("width,sort\n1,oak\n")).toThrow(/width, sort.*"kind"/);
    expect(read("width,kind\n")).toThrow(expect.objectContaining({ code: "data/empty" }));
  });
});
