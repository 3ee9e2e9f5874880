import { AnabranchError, hashBytes, hashText } from "@anabranch/engine";
import { decodeSafetensors } from "./safetensors-read.ts";
import type { SafetensorsFile, SafetensorsTensor } from "./safetensors-types.ts";
import { layOutSafetensors } from "./safetensors-write.ts";

/** Our own files: one header entry a client where states are inline. */
const MAX_HEADER_BYTES = 2 ** 28;
const NO_HASH = "0".repeat(16);
const HASH_KEY = new TextEncoder().encode('"hash":"');

/** What a sealed file is: `kind` also names the area of its error codes. */
export interface SealedKind {
  readonly kind: string;
  readonly version: string;
}

/**
 * A safetensors file that notices every changed byte: its metadata hold its kind, its version and a hash of the whole
 * file, computed with zeros in the hash's place. The hash has no key: it detects damage, not tampering, since whoever can
 * write the file can compute it anew. `allocate` may give memory that was used before.
 *
 * @example
 * ```ts
 * import { decodeSealed, encodeSealed } from "@anabranch/core";
 * const kind = { kind: "checkpoint", version: "1" };
 * const file = encodeSealed(kind, { x: { shape: [1], data: Float64Array.of(3) } }, { round: "7" });
 * decodeSealed(kind, file, "example").metadata["round"]; // => "7"
 * ```
 */
export function encodeSealed(
  { kind, version }: SealedKind,
  tensors: Readonly<Record<string, SafetensorsTensor>>,
  metadata: Readonly<Record<string, string>>,
  allocate: (byteLength: number) => Uint8Array<ArrayBuffer> = (byteLength) => new Uint8Array(byteLength),
): Uint8Array<ArrayBuffer> {
  const file = layOutSafetensors(tensors, { ...metadata, anabranch: kind, version, hash: NO_HASH });
  const bytes = allocate(file.byteLength);
  file.write(bytes);
  const dataStart = dataStartOf(bytes);
  const at = hashPosition(bytes, dataStart)!;
  bytes.set(new TextEncoder().encode(seal(bytes, dataStart)), at);
  return bytes;
}

/**
 * Opens a sealed file. Throws `<kind>/truncated`, `<kind>/version` or `<kind>/corrupt`; tensors are views. A whole seal
 * says that the file is undamaged, not who wrote it.
 *
 * @example
 * ```ts
 * import { decodeSealed, encodeSealed } from "@anabranch/core";
 * const kind = { kind: "checkpoint", version: "1" };
 * const file = encodeSealed(kind, {}, { round: "7" });
 * decodeSealed(kind, file, "example").metadata["round"]; // => "7"
 * ```
 */
export function decodeSealed({ kind, version }: SealedKind, bytes: Uint8Array, where: string): SafetensorsFile {
  const file = open(kind, bytes, where);
  const found = file.metadata;
  if (found.anabranch !== kind) throw damaged(kind, where, "the file is something else", found.anabranch);
  if (found.version !== version) {
    throw new AnabranchError({
      code: `${kind}/version`,
      message: `the ${kind} was written in another format`,
      where,
      received: `version ${found.version}`,
      expected: `version ${version}`,
      advice: "Continue with the version of Anabranch that wrote it.",
    });
  }
  const dataStart = dataStartOf(bytes);
  const at = hashPosition(bytes, dataStart);
  const header = bytes.slice(0, dataStart);
  if (at !== undefined) header.set(new TextEncoder().encode(NO_HASH), at);
  const hash = sealOf(header, bytes.subarray(dataStart));
  if (hash !== found.hash)
    throw damaged(kind, where, "bytes of the file have changed", `hash ${hash}`, `hash ${found.hash}`);
  return file;
}

/** The error for a file whose seal is whole but whose contents make no sense, or whose seal is broken. */
export function damaged(
  kind: string,
  where: string,
  message: string,
  received?: string,
  expected?: string,
  cause?: unknown,
): AnabranchError {
  return new AnabranchError({
    code: `${kind}/corrupt`,
    message: `the ${kind} is damaged: ${message}`,
    where,
    ...(received === undefined ? {} : { received }),
    ...(expected === undefined ? {} : { expected }),
    cause,
    advice: "Put the file back from a copy, and check the disk.",
  });
}

function open(kind: string, bytes: Uint8Array, where: string): SafetensorsFile {
  try {
    return decodeSafetensors(bytes, where, { maxHeaderBytes: MAX_HEADER_BYTES });
  } catch (cause) {
    if (!(cause instanceof AnabranchError)) throw cause;
    if (cause.code !== "safetensors/truncated")
      throw damaged(kind, where, cause.failure.message, undefined, undefined, cause);
    throw new AnabranchError({
      ...cause.failure,
      code: `${kind}/truncated`,
      message: `the ${kind} is cut short`,
      cause,
      advice: "Put the file back from a copy; was the disk full?",
    });
  }
}

function seal(bytes: Uint8Array, dataStart: number): string {
  return sealOf(bytes.subarray(0, dataStart), bytes.subarray(dataStart));
}

function sealOf(header: Uint8Array, data: Uint8Array): string {
  return hashText(hashBytes(header) + hashBytes(data));
}

function dataStartOf(bytes: Uint8Array): number {
  return 8 + Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
}

/** Where the hash's digits stand. Inside a JSON string a quote is escaped, so the first match is the key itself. */
function hashPosition(bytes: Uint8Array, dataStart: number): number | undefined {
  for (let at = 8; at + HASH_KEY.length + NO_HASH.length <= dataStart; at++) {
    if (HASH_KEY.every((byte, i) => bytes[at + i] === byte)) return at + HASH_KEY.length;
  }
  return undefined;
}
