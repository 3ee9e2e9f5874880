import { AnabranchError, type Failure } from "@anabranch/engine";
import { brainFloat, halfFloat } from "./half-floats.ts";

/** Characters in the name of a tensor. */
const MAX_NAME_LENGTH = 1024;

export type DTypeName = "F32" | "F64" | "U8" | "I32" | "I64";
export type TensorData = Float32Array | Float64Array | Uint8Array | Int32Array | BigInt64Array;

interface TensorDataConstructor {
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): TensorData;
  readonly BYTES_PER_ELEMENT: number;
}

/** Element types that are read and written. */
export const DTYPES: Readonly<Record<DTypeName, TensorDataConstructor>> = {
  F32: Float32Array,
  F64: Float64Array,
  U8: Uint8Array,
  I32: Int32Array,
  I64: BigInt64Array,
};

/** Element types of two bytes, which are read as float32 where that is asked for: each value has one. */
export const HALF_FLOATS: Readonly<Record<string, (bits: number) => number>> = { F16: halfFloat, BF16: brainFloat };

/** Row-major elements with a shape; the product of `shape` is `data.length`. */
export interface SafetensorsTensor {
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** The contents of a file. */
export interface SafetensorsFile {
  readonly tensors: Readonly<Record<string, SafetensorsTensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Bounds for files from strangers. */
export interface SafetensorsLimits {
  /** Largest whole file. Default: no limit, as the bytes are in memory already. */
  readonly maxBytes?: number;
  /** Longest header. Default 16 MiB. */
  readonly maxHeaderBytes?: number;
  /** Most objects, lists and elements in the header, about ten for each tensor. Default 2^23. */
  readonly maxHeaderValues?: number;
  /** Also read F16 and BF16, as float32 of the same values. Default false. */
  readonly halfFloats?: boolean;
}

/** The name of an array's element type in the format. */
export function dtypeOf(data: TensorData): DTypeName {
  if (data instanceof Float32Array) return "F32";
  if (data instanceof Float64Array) return "F64";
  if (data instanceof Int32Array) return "I32";
  return data instanceof Uint8Array ? "U8" : "I64";
}

export function fail(code: string, message: string, parts: Omit<Failure, "code" | "message">): never {
  throw new AnabranchError({ code, message, ...parts });
}

/** Foreign data as an error shows it: JSON of at most 80 characters. Not for values nested deeper than a few levels. */
export function excerpt(value: unknown): string {
  const start = typeof value === "string" || Array.isArray(value) ? value.slice(0, 100) : value;
  const json = JSON.stringify(start) ?? "nothing";
  return json.length > 80 ? `${json.slice(0, 77)}...` : json;
}

/** Refuses names that no reader would accept; `where` names the tensor in the error. */
export function requireShortName(name: string, where: string): void {
  if (name.length <= MAX_NAME_LENGTH) return;
  fail("safetensors/name", "the name of a tensor is too long", {
    where,
    received: `${name.length} characters`,
    expected: `at most ${MAX_NAME_LENGTH}`,
  });
}

/** Refuses sizes above a limit. */
export function limited(
  size: number | bigint,
  limit: number | undefined,
  code: string,
  message: string,
  where: string,
): void {
  if (limit === undefined || size <= limit) return;
  fail(code, message, { where, received: `${size} bytes`, expected: `at most ${limit} bytes` });
}

/** Whether a value is a list of whole numbers of at least 0. */
export function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}
