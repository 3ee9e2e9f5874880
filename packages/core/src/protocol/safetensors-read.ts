import { duplicateKey, exceededLimit } from "./header-json.ts";
import {
  DTYPES,
  type DTypeName,
  excerpt,
  fail,
  HALF_FLOATS,
  isCounts,
  limited,
  requireShortName,
  type SafetensorsFile,
  type SafetensorsLimits,
  type TensorData,
} from "./safetensors-types.ts";
import { PREFIX_BYTES } from "./safetensors-write.ts";

const DEFAULT_MAX_HEADER_BYTES = 16 * 2 ** 20;
/** A header is an object of objects of lists: nothing in it is nested deeper. */
const MAX_HEADER_DEPTH = 3;
/** Objects, lists and elements in a header, about ten for each tensor. Bounds the memory of the parsed header. */
const DEFAULT_MAX_HEADER_VALUES = 2 ** 23;
/** Dimensions of a tensor. */
const MAX_RANK = 64;

/**
 * Decodes a file. Tensors are views of `bytes` where their place is a multiple of their element size, copies elsewhere.
 * `where` names the source in errors: `safetensors/size`, `safetensors/truncated`, `safetensors/header`,
 * `safetensors/name`, `safetensors/dtype`, `safetensors/shape`, `safetensors/offsets`.
 *
 * @example
 * ```ts
 * import { decodeSafetensors, encodeSafetensors } from "@anabranch/core";
 * const file = encodeSafetensors({ w: { shape: [2], data: Float32Array.of(1, 2) } });
 * const { tensors } = decodeSafetensors(file, "example"); // views, nothing is copied
 * tensors["w"]!.shape; // => [2]
 * ```
 */
export function decodeSafetensors(bytes: Uint8Array, where: string, limits: SafetensorsLimits = {}): SafetensorsFile {
  limited(bytes.length, limits.maxBytes, "safetensors/size", "the file is larger than allowed", where);
  const headerBytes = headerLength(bytes, where, limits.maxHeaderBytes ?? DEFAULT_MAX_HEADER_BYTES);
  const maxValues = limits.maxHeaderValues ?? DEFAULT_MAX_HEADER_VALUES;
  const header = parseHeader(bytes.slice(PREFIX_BYTES, PREFIX_BYTES + headerBytes), maxValues, where);
  const dataStart = PREFIX_BYTES + headerBytes;
  const elements = elementBytes(limits.halfFloats === true);
  const { __metadata__: metadata = {}, ...tensorEntries } = header;
  const entries = Object.entries(tensorEntries).map(([name, raw]) => readEntry(name, raw, where, elements));
  requireCoverage(entries, bytes.length - dataStart, where);
  return {
    tensors: Object.fromEntries(
      entries.map(({ name, dtype, shape, begin, end }) => [
        name,
        { shape, data: view(bytes, dtype, dataStart + begin, end - begin) },
      ]),
    ),
    metadata: readMetadata(metadata, where),
  };
}

interface Entry {
  readonly name: string;
  /** Of `DTYPES` or `HALF_FLOATS`. */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function headerLength(bytes: Uint8Array, where: string, maxHeaderBytes: number): number {
  if (bytes.length < PREFIX_BYTES) {
    fail("safetensors/truncated", "the file ends before its header", { where, received: `${bytes.length} bytes` });
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset, PREFIX_BYTES).getBigUint64(0, true);
  limited(
    length,
    maxHeaderBytes,
    "safetensors/header",
    "the header is longer than allowed: no safetensors file?",
    where,
  );
  if (PREFIX_BYTES + Number(length) > bytes.length) {
    fail("safetensors/truncated", "the file ends inside its header", {
      where,
      received: `${bytes.length} bytes`,
      expected: `at least ${PREFIX_BYTES + Number(length)} bytes`,
    });
  }
  return Number(length);
}

function parseHeader(bytes: Uint8Array, maxValues: number, where: string): Record<string, unknown> {
  const text = headerText(bytes, where);
  const limits = { maxDepth: MAX_HEADER_DEPTH, maxValues };
  const exceeded = exceededLimit(text, limits);
  if (exceeded !== undefined) {
    const [message, unit] =
      exceeded === "maxDepth"
        ? ["the header is nested too deeply", "levels"]
        : ["the header has too many values", "objects, lists and elements"];
    fail("safetensors/header", message, { where, expected: `at most ${limits[exceeded]} ${unit}` });
  }
  const value = parseJson(text, where);
  if (!text.startsWith("{") || !isRecord(value)) {
    fail("safetensors/header", "the header is not a JSON object", {
      where,
      received: excerpt(text),
    });
  }
  const duplicate = duplicateKey(text);
  if (duplicate !== undefined) {
    fail("safetensors/header", "the header names something twice", { where, received: excerpt(duplicate) });
  }
  return value;
}

function headerText(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    fail("safetensors/header", "the header is not UTF-8", { where, cause });
  }
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    fail("safetensors/header", "the header is not JSON", { where, cause });
  }
}

/** Bytes of an element, by the name of its type. */
type ElementBytes = ReadonlyMap<string, number>;

function elementBytes(halfFloats: boolean): ElementBytes {
  const whole = Object.entries(DTYPES).map(([name, { BYTES_PER_ELEMENT }]) => [name, BYTES_PER_ELEMENT] as const);
  const half = halfFloats ? Object.keys(HALF_FLOATS).map((name) => [name, 2] as const) : [];
  return new Map([...whole, ...half]);
}

function readEntry(name: string, raw: unknown, where: string, elements: ElementBytes): Entry {
  const place = `${where}, tensor ${excerpt(name)}`;
  requireShortName(name, place);
  if (name === "__proto__" || !isRecord(raw))
    fail("safetensors/header", "a tensor has no description", { where: place });
  const { dtype, shape, data_offsets: offsets, ...rest } = raw;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) {
    fail("safetensors/header", "a tensor has an unknown property", { where: place, received: excerpt(unknown) });
  }
  const size = typeof dtype === "string" ? elements.get(dtype) : undefined;
  if (size === undefined) {
    fail("safetensors/dtype", "a tensor has an element type that is not supported", {
      where: place,
      received: excerpt(dtype),
      expected: [...elements.keys()].join(", "),
      advice: "Convert the tensor to float32 first.",
    });
  }
  if (!isCounts(shape) || shape.length > MAX_RANK) {
    fail("safetensors/shape", "a tensor has an impossible shape", {
      where: place,
      received: excerpt(shape),
      expected: `at most ${MAX_RANK} integers of at least 0`,
    });
  }
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
    fail("safetensors/offsets", "a tensor has impossible offsets", { where: place, received: excerpt(offsets) });
  }
  const [begin, end] = offsets as [number, number];
  const expected = shape.reduce((product, extent) => product * extent, size);
  if (expected !== end - begin) {
    fail("safetensors/shape", "a tensor's shape does not fit its bytes", {
      where: place,
      received: `${end - begin} bytes`,
      expected: `${expected} bytes for ${dtype} [${shape.join(", ")}]`,
    });
  }
  return { name, dtype: String(dtype), shape, begin, end };
}

/** Every byte of the data belongs to exactly one tensor, as the format demands. */
function requireCoverage(entries: readonly Entry[], dataBytes: number, where: string): void {
  let covered = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered) {
      fail("safetensors/offsets", begin < covered ? "two tensors overlap" : "bytes lie between the tensors", {
        where: `${where}, tensor ${excerpt(name)}`,
        received: `offset ${begin}`,
        expected: `offset ${covered}`,
      });
    }
    covered = end;
  }
  if (covered === dataBytes) return;
  const code = covered > dataBytes ? "safetensors/truncated" : "safetensors/offsets";
  const message = covered > dataBytes ? "the file ends inside its data" : "bytes follow the last tensor";
  fail(code, message, { where, received: `${dataBytes} bytes of data`, expected: `${covered}` });
}

function readMetadata(metadata: unknown, where: string): Record<string, string> {
  if (!isRecord(metadata) || Object.values(metadata).some((value) => typeof value !== "string")) {
    fail("safetensors/header", "the metadata do not map names to strings", { where: `${where}, __metadata__` });
  }
  return metadata as Record<string, string>;
}

function view(bytes: Uint8Array, dtype: string, begin: number, length: number): TensorData {
  const decode = HALF_FLOATS[dtype];
  if (decode !== undefined) {
    const words = new DataView(bytes.buffer, bytes.byteOffset + begin, length);
    return Float32Array.from({ length: length / 2 }, (_, i) => decode(words.getUint16(2 * i, true)));
  }
  const Kind = DTYPES[dtype as DTypeName];
  const start = bytes.byteOffset + begin;
  const elements = length / Kind.BYTES_PER_ELEMENT;
  if (start % Kind.BYTES_PER_ELEMENT === 0) return new Kind(bytes.buffer, start, elements);
  return new Kind(bytes.slice(begin, begin + length).buffer, 0, elements);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
