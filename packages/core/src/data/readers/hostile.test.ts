import { AnabranchError } from "@anabranch/engine";
import { gzipSync } from "fflate";
import jpeg from "jpeg-js";
import { describe, expect, it } from "vitest";
import { readCsv } from "./csv.ts";
import { gunzip } from "./gunzip.ts";
import { parseIdx, readIdx } from "./idx.ts";
import { decodeImage } from "./image.ts";
import { readTextBySpeaker } from "./text-by-speaker.ts";

/** Files made to exhaust memory or time: each is refused at once, by an error that says what is too large. */

const bytes = (text: string) => new TextEncoder().encode(text);
const code = (expected: string) => expect.objectContaining({ code: expected });

describe("gzip", () => {
  const bomb = gzipSync(new Uint8Array(40_000_000));

  it("is refused by the length that it claims", () => {
    expect(() => gunzip(bomb, "x.gz", 1e6)).toThrow(/x\.gz.*40,000,000 bytes when unpacked.*at most 1,000,000/);
    expect(() => gunzip(bomb, "x.gz", 1e6)).toThrow(code("data/too-large"));
  });

  it("is refused while it is unpacked where the claim is false", () => {
    const lying = bomb.slice();
    lying.set([1, 0, 0, 0], lying.length - 4);
    expect(() => gunzip(lying, "x.gz", 1e6)).toThrow(/more than 1,000,000 bytes when unpacked/);
    const short = gzipSync(bytes("abc"));
    short.set([9, 0, 0, 0], short.length - 4);
    expect(() => gunzip(short, "x.gz")).toThrow(/3 bytes instead of 9/);
    short.set([255, 255, 255, 127], short.length - 4);
    expect(() => gunzip(short, "x.gz")).toThrow(code("data/gzip"));
  });

  it("is unpacked whole where it has several members, and once where it is nested", () => {
    const two = Buffer.concat([gzipSync(bytes("abc")), gzipSync(bytes("def"))]);
    expect(new TextDecoder().decode(gunzip(two, "x.gz"))).toBe("abcdef");
    expect(() => parseIdx(gzipSync(gzipSync(bomb)))).toThrow(code("data/magic"));
  });

  it.each([1, 10, 19, 25])("is refused where it ends after %i bytes", (length) => {
    const file = gzipSync(bytes("abcdefgh".repeat(4)));
    expect(() => gunzip(file.subarray(0, Math.max(2, length)), "x.gz")).toThrow(code("data/gzip"));
  });
});

describe("IDX", () => {
  const idx = (type: number, shape: number[], body: number[]) =>
    Uint8Array.from([
      0,
      0,
      type,
      shape.length,
      ...shape.flatMap((extent) => [24, 16, 8, 0].map((s) => extent >>> s)),
      ...body,
    ]);

  it.each<[string, Uint8Array, string]>([
    ["255 dimensions", Uint8Array.from([0, 0, 8, 255, ...new Uint8Array(1020)]), "data/too-large"],
    ["extents whose product overflows", idx(8, Array(8).fill(2 ** 32 - 1), [1, 2, 3]), "data/truncated"],
    ["4 billion doubles", idx(14, [2 ** 32 - 1], [1]), "data/truncated"],
  ])("is refused with %s", (_, file, expected) => {
    expect(() => parseIdx(file)).toThrow(code(expected));
  });

  it("is refused with a label that makes two billion classes, and with no examples", () => {
    const labels = idx(12, [1], [0x7f, 255, 255, 255]);
    expect(() => readIdx(idx(8, [1, 1, 1], [5]), labels, { name: "x" })).toThrow(/2,147,483,648 classes/);
    expect(() => readIdx(idx(8, [0, 1, 1], []), idx(8, [0], []), { name: "x" })).toThrow(code("data/empty"));
  });
});

describe("CSV", () => {
  const read = (text: string, delimiter?: string) =>
    readCsv(bytes(text), { name: "x.csv", label: "y", ...(delimiter !== undefined && { delimiter }) });

  it("is refused with a million columns, by an error of a few lines", () => {
    expect(() => read(`y${",a".repeat(1e6)}\n`)).toThrow(/x\.csv, line 1.*65,537 cells/);
    const wide = Array.from({ length: 60_000 }, (_, i) => `column${i}`).join(",");
    expect(() => read(`${wide}\n`)).toThrow(/column19, \.\.\. \(60000 in all\)/);
  });

  it("is refused with a class for each row", () => {
    const rows = Array.from({ length: 70_000 }, (_, i) => `1,${i}`).join("\n");
    expect(() => read(`x,y\n${rows}\n`)).toThrow(/70,000 classes.*Check that this column is the class/);
  });

  it.each(["", "\n", '"'])("is refused with the delimiter %j", (delimiter) => {
    expect(() => read("x,y\n1,2\n", delimiter)).toThrow(code("data/option"));
  });

  it("is refused with a cell of megabytes, by a short error", () => {
    for (const text of [`x,y\n${"z".repeat(5e6)},1\n`, `x,y\n"${'""'.repeat(2e6)}",1\n`]) {
      const error = caught(() => read(text));
      expect(error.code).toBe("data/csv-value");
      expect(error.message.length).toBeLessThan(400);
    }
    expect(() => read(`x,y\n"${'""'.repeat(2e6)}`)).toThrow(code("data/csv-syntax"));
  });
});

describe("text", () => {
  const read = (text: string) => readTextBySpeaker(bytes(text), { name: "x.txt", length: 10 });

  it("may be one line of megabytes, or line breaks alone", () => {
    expect(() => read("a".repeat(2e7))).toThrow(code("data/speaker"));
    expect(() => read("\n".repeat(2e7))).toThrow(code("data/empty"));
    expect(() => read(`${"a".repeat(2e7)}:\nx`)).toThrow(code("data/empty"));
    expect(read(`A:\n${"ab".repeat(1e6)}\n`).features.shape).toEqual([199_999, 10]);
  });
});

describe("JPEG", () => {
  it("is refused by the size in its frame header", async () => {
    const data = new Uint8Array(8 * 8 * 4);
    const file = Uint8Array.from(jpeg.encode({ width: 8, height: 8, data }, 90).data);
    expect((await decodeImage(file, 3, "x.jpg")).data.length).toBe(192);
    const frame = file.findIndex((byte, i) => byte === 0xff && file[i + 1] === 0xc0);
    file.set([0xff, 0xff, 0xff, 0xff], frame + 5);
    await expect(decodeImage(file, 3, "x.jpg")).rejects.toThrow(/x\.jpg.*65535 x 65535.*Scale the images down/);
  });
});

function caught(action: () => unknown): AnabranchError {
  try {
    action();
  } catch (error) {
    if (error instanceof AnabranchError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
