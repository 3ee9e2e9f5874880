import { gzipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { parseIdx, readIdx } from "./idx.ts";

/** An IDX file: magic, big-endian extents, then the body. */
function idx(type: number, shape: number[], body: number[]): Uint8Array {
  const extents = shape.flatMap((extent) => [extent >>> 24, (extent >>> 16) & 255, (extent >>> 8) & 255, extent & 255]);
  return Uint8Array.from([0, 0, type, shape.length, ...extents, ...body]);
}

const IMAGES = idx(8, [2, 2, 3], [0, 1, 2, 3, 4, 5, 255, 254, 253, 252, 251, 250]);
const LABELS = idx(8, [2], [3, 1]);
const code = (expected: string) => expect.objectContaining({ code: expected });

describe("parseIdx", () => {
  it("reads bytes, plain or gzip", () => {
    const plain = parseIdx(IMAGES);
    expect(plain.shape).toEqual([2, 2, 3]);
    expect([...plain.data]).toEqual([0, 1, 2, 3, 4, 5, 255, 254, 253, 252, 251, 250]);
    expect(parseIdx(gzipSync(IMAGES))).toEqual(plain);
  });

  it("reads the wider element types big-endian", () => {
    expect([...parseIdx(idx(9, [2], [255, 1])).data]).toEqual([-1, 1]);
    expect([...parseIdx(idx(11, [2], [255, 254, 1, 0])).data]).toEqual([-2, 256]);
    expect([...parseIdx(idx(12, [1], [0, 1, 0, 0])).data]).toEqual([65536]);
    expect([...parseIdx(idx(13, [1], [0x3f, 0xc0, 0, 0])).data]).toEqual([1.5]);
    expect([...parseIdx(idx(14, [1], [0xbf, 0xe0, 0, 0, 0, 0, 0, 0])).data]).toEqual([-0.5]);
  });

  it("refuses other files, and files cut off or too long", () => {
    expect(() => parseIdx(Uint8Array.from([137, 80, 78, 71]))).toThrow(code("data/magic"));
    expect(() => parseIdx(new Uint8Array(0))).toThrow(code("data/magic"));
    expect(() => parseIdx(idx(7, [1], [0]))).toThrow(code("data/magic"));
    expect(() => parseIdx(IMAGES.subarray(0, 7))).toThrow(code("data/truncated"));
    expect(() => parseIdx(IMAGES.subarray(0, 27))).toThrow(code("data/truncated"));
    expect(() => parseIdx(idx(8, [2], [1, 2, 3]), "x.idx")).toThrow(/x\.idx.*11 bytes.*10 bytes/);
    expect(() => parseIdx(gzipSync(IMAGES).subarray(0, 30))).toThrow(code("data/gzip"));
  });
});

describe("readIdx", () => {
  it("gives grey images a channel axis", () => {
    const dataset = readIdx(IMAGES, LABELS, { name: "two" });
    expect(dataset.features.shape).toEqual([2, 1, 2, 3]);
    expect(dataset.classes).toBe(4);
    expect(readIdx(IMAGES, LABELS, { name: "two", classes: 10 }).classes).toBe(10);
  });

  it("refuses labels of another count", () => {
    expect(() => readIdx(IMAGES, idx(8, [3], [0, 0, 0]), { name: "two" })).toThrow(code("data/label-count"));
    expect(() => readIdx(IMAGES, IMAGES, { name: "two" })).toThrow(code("data/label-count"));
  });
});
