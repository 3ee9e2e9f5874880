/**
 * The safetensors file format: named tensors behind a JSON header, nothing that could be executed.
 * Source: https://github.com/huggingface/safetensors, "Format". Layout: 8 bytes, the header's length N as a
 * little-endian uint64; N bytes of JSON, padded with spaces; the data, each tensor little-endian and row-major, without gaps.
 * Tensors are written in order of falling element size and then of name, and the data begin at a multiple of 8, so that
 * every tensor is aligned and can be read as a view.
 */
import {
  dtypeOf,
  excerpt,
  fail,
  isCounts,
  requireShortName,
  type SafetensorsTensor,
  type TensorData,
} from "./safetensors-types.ts";

export const PREFIX_BYTES = 8;
const ALIGNMENT = 8;
const SPACE = 0x20;

/** A file whose size is known and whose bytes are written on demand. */
export interface SafetensorsLayout {
  readonly byteLength: number;
  /** First byte of each tensor in the file. */
  readonly offsets: Readonly<Record<string, number>>;
  /** Writes `byteLength` bytes at `offset` and returns how many; `target` may lie in shared memory. */
  write(target: Uint8Array, offset?: number): number;
}

/** Lays out a file without writing it. Throws `safetensors/shape`, `safetensors/name` or `safetensors/size`. */
export function layOutSafetensors(
  tensors: Readonly<Record<string, SafetensorsTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): SafetensorsLayout {
  const header: Record<string, unknown> = {};
  if (Object.keys(metadata).length > 0) header.__metadata__ = sortKeys(metadata);
  const placed: { name: string; begin: number; data: TensorData }[] = [];
  let end = 0;
  for (const [name, { shape, data }] of Object.entries(tensors).sort(byElementSizeThenName)) {
    requireWritable(name, shape, data);
    placed.push({ name, begin: end, data });
    header[name] = { dtype: dtypeOf(data), shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil((PREFIX_BYTES + json.length) / ALIGNMENT) * ALIGNMENT - PREFIX_BYTES;
  const dataStart = PREFIX_BYTES + headerBytes;
  const offsets = Object.fromEntries(placed.map(({ name, begin }) => [name, dataStart + begin]));
  return {
    byteLength: dataStart + end,
    offsets,
    write(target, offset = 0) {
      if (offset < 0 || offset + dataStart + end > target.length) {
        fail("safetensors/size", "the buffer is too small for the file", {
          received: `${target.length} bytes at offset ${offset}`,
          expected: `${dataStart + end} bytes`,
        });
      }
      const view = new DataView(target.buffer, target.byteOffset + offset, PREFIX_BYTES);
      view.setBigUint64(0, BigInt(headerBytes), true);
      target.set(json, offset + PREFIX_BYTES);
      target.fill(SPACE, offset + PREFIX_BYTES + json.length, offset + dataStart);
      for (const { begin, data } of placed) {
        const at = offset + dataStart + begin;
        if (data.buffer === target.buffer && data.byteOffset === target.byteOffset + at) continue; // it is there already
        target.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
      }
      return dataStart + end;
    },
  };
}

/**
 * Encodes tensors and metadata; errors as `layOutSafetensors`.
 *
 * @example
 * ```ts
 * import { decodeSafetensors, encodeSafetensors } from "@anabranch/core";
 * const file = encodeSafetensors({ w: { shape: [2], data: Float32Array.of(1, 2) } });
 * decodeSafetensors(file, "example").tensors["w"]!.data; // => [1, 2]
 * ```
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, SafetensorsTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const file = layOutSafetensors(tensors, metadata);
  const bytes = new Uint8Array(file.byteLength);
  file.write(bytes);
  return bytes;
}

function requireWritable(name: string, shape: readonly number[], data: TensorData): void {
  const where = `tensor ${excerpt(name)}`;
  if (name === "__metadata__" || name === "__proto__") {
    fail("safetensors/name", "a tensor has a reserved name", { where });
  }
  requireShortName(name, where);
  if (!isCounts(shape) || shape.reduce((product, extent) => product * extent, 1) !== data.length) {
    fail("safetensors/shape", "a tensor's shape does not fit its elements", {
      where,
      received: `[${shape.join(", ")}]`,
      expected: `${data.length} elements`,
    });
  }
}

function byElementSizeThenName([a, x]: [string, SafetensorsTensor], [b, y]: [string, SafetensorsTensor]): number {
  return y.data.BYTES_PER_ELEMENT - x.data.BYTES_PER_ELEMENT || (a < b ? -1 : 1);
}

function sortKeys<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
