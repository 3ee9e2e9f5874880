import { AnabranchError, type HostTensor } from "@anabranch/engine";
import type { ArrayDataset } from "../dataset.ts";
import { gunzip } from "./gunzip.ts";
import { readerLimits, requireAtMost } from "./limits.ts";

/** Element types of the third byte of the magic number. */
const ELEMENTS: Record<number, { size: number; read: (view: DataView, count: number) => Omit<HostTensor, "shape"> }> = {
  8: { size: 1, read: (view) => ({ dtype: "uint8", data: bytesOf(view).slice() }) },
  9: { size: 1, read: (view, count) => integers(count, (i) => view.getInt8(i)) },
  11: { size: 2, read: (view, count) => integers(count, (i) => view.getInt16(2 * i)) },
  12: { size: 4, read: (view, count) => integers(count, (i) => view.getInt32(4 * i)) },
  13: { size: 4, read: (view, count) => floats(count, (i) => view.getFloat32(4 * i)) },
  14: { size: 8, read: (view, count) => floats(count, (i) => view.getFloat64(8 * i)) },
};

/**
 * One IDX file (the format of the MNIST family: magic 0 0 TYPE RANK, big-endian extents, row-major data), plain or
 * gzip. Doubles come out as Float32Array.
 *
 * @param where the file, for errors
 * @throws `data/magic`, `data/truncated`, `data/oversized`, `data/gzip`, `data/too-large`
 * @example
 * ```ts
 * import { parseIdx } from "@anabranch/core";
 * const labels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1);
 * parseIdx(labels).data; // => [7, 2, 1]
 * ```
 */
export function parseIdx(file: Uint8Array, where = "IDX file"): HostTensor {
  const bytes = gunzip(file, where);
  const element = bytes[0] === 0 && bytes[1] === 0 ? ELEMENTS[bytes[2]!] : undefined;
  const rank = bytes[3] ?? 0;
  if (element === undefined || rank === 0) {
    throw new AnabranchError({
      code: "data/magic",
      message: "this is not an IDX file",
      where,
      received: `first bytes ${[...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ")}`,
      expected: "00 00, an element type (08 to 0e) and a rank of 1 or more",
    });
  }
  requireAtMost(readerLimits.rank, rank, "dimensions", where);
  const header = 4 + 4 * rank;
  if (bytes.length < header) throw wrongLength("data/truncated", where, bytes.length, header);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const count = shape.reduce((product, extent) => product * extent, 1);
  const expected = header + count * element.size;
  if (bytes.length < expected) throw wrongLength("data/truncated", where, bytes.length, expected);
  if (bytes.length > expected) throw wrongLength("data/oversized", where, bytes.length, expected);
  // Elements of all types but uint8 take four bytes in memory.
  requireAtMost(readerLimits.featureBytes, count * (bytes[2] === 8 ? 1 : 4), "bytes in memory", where);
  const body = new DataView(bytes.buffer, bytes.byteOffset + header, bytes.byteLength - header);
  return { shape, ...element.read(body, count) };
}

export interface IdxOptions {
  readonly name: string;
  /** Number of classes; default: the largest label + 1. */
  readonly classes?: number;
}

/**
 * A data set from a file of examples and one of labels. Grey images [n, height, width] get a channel axis:
 * [n, 1, height, width].
 *
 * @example
 * ```ts
 * import { readIdx } from "@anabranch/core";
 * const images = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 5, 6);
 * const labels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 3);
 * readIdx(images, labels, { name: "tiny", classes: 10 }).features.data; // => [5, 6]
 * ```
 */
export function readIdx(images: Uint8Array, labels: Uint8Array, options: IdxOptions): ArrayDataset {
  const features = parseIdx(images, `${options.name}, images`);
  const parsed = parseIdx(labels, `${options.name}, labels`);
  const count = features.shape[0]!;
  if (parsed.shape.length !== 1 || parsed.shape[0] !== count || parsed.dtype === "float") {
    throw new AnabranchError({
      code: "data/label-count",
      message: "the label file does not belong to the image file",
      where: options.name,
      received: `labels of shape [${parsed.shape.join(", ")}], ${parsed.dtype}`,
      expected: `${count} integer labels, one for each image`,
    });
  }
  const [, height, width] = features.shape;
  const shape = features.shape.length === 3 ? [count, 1, height!, width!] : features.shape;
  if (count === 0) {
    throw new AnabranchError({
      code: "data/empty",
      message: "the IDX files have no examples",
      where: options.name,
      received: `shape [${features.shape.join(", ")}]`,
      expected: "one example or more",
    });
  }
  const classes = options.classes ?? countClasses(parsed.data, options.name);
  return { name: options.name, features: { ...features, shape }, labels: parsed, classes };
}

/** The largest label + 1. */
function countClasses(labels: HostTensor["data"], where: string): number {
  let largest = 0;
  for (const label of labels) largest = Math.max(largest, label);
  requireAtMost(readerLimits.classes, largest + 1, "classes", where, "Check that this is the file of labels.");
  return largest + 1;
}

function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function integers(count: number, read: (index: number) => number): Omit<HostTensor, "shape"> {
  return { dtype: "int32", data: Int32Array.from({ length: count }, (_, i) => read(i)) };
}

function floats(count: number, read: (index: number) => number): Omit<HostTensor, "shape"> {
  return { dtype: "float", data: Float32Array.from({ length: count }, (_, i) => read(i)) };
}

function wrongLength(code: "data/truncated" | "data/oversized", where: string, received: number, expected: number) {
  return new AnabranchError({
    code,
    message: code === "data/truncated" ? "an IDX file is too short" : "an IDX file has bytes after its data",
    where,
    received: `${received} bytes`,
    expected: `${expected} bytes by its header`,
    advice: "The file is damaged or incomplete: fetch it again.",
  });
}
