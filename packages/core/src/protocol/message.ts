/**
 * What server and client say to each other: a broadcast down, an update up. A message is a safetensors file; its metadata
 * say what it is, its vectors are tensors, and all its numbers lie in one float64 tensor. So numbers come back exactly,
 * NaN included. Its size depends on the names and lengths in it, and on values only where vectors travel compressed; never
 * on the clock: counted bytes are the same in every repetition of a run.
 */
import {
  checkBroadcast,
  checkUpdate,
  ENCODED,
  MESSAGE_VERSION,
  readEnvelope,
  SCALAR,
  unprefixed,
  VECTOR,
} from "./message-read.ts";
import type { Broadcast, Update } from "./message-types.ts";
import type { SafetensorsLimits, SafetensorsTensor } from "./safetensors-types.ts";
import { encodeSafetensors, layOutSafetensors, type SafetensorsLayout } from "./safetensors-write.ts";

export type { Broadcast, PublicMetadata, Update } from "./message-types.ts";

export type Message = Broadcast | Update;

/**
 * The bytes of a broadcast.
 *
 * @example
 * ```ts
 * import { decodeBroadcast, encodeBroadcast } from "@anabranch/core";
 * const vectors = { parameters: Float32Array.of(1, 2) };
 * const file = encodeBroadcast({ round: 3, vectors, scalars: { clipNorm: 1 } });
 * decodeBroadcast(file).scalars; // => { clipNorm: 1 }
 * ```
 */
export function encodeBroadcast(broadcast: Broadcast): Uint8Array<ArrayBuffer> {
  return encode(broadcast);
}

/**
 * The bytes of an update.
 *
 * @example
 * ```ts
 * import { decodeUpdate, encodeUpdate } from "@anabranch/core";
 * const metadata = { examples: 20, steps: 4, weight: 20, loss: 0.5 };
 * const vectors = { delta: Float32Array.of(1, 2) };
 * const file = encodeUpdate({ round: 3, client: 7, layoutHash: "0", vectors, public: metadata });
 * decodeUpdate(file).client; // => 7
 * ```
 */
export function encodeUpdate(update: Update): Uint8Array<ArrayBuffer> {
  return encode(update);
}

/**
 * Bytes of the encoded message, without encoding it.
 *
 * @example
 * ```ts
 * import { encodeBroadcast, encodedSize } from "@anabranch/core";
 * const message = { round: 3, vectors: { parameters: Float32Array.of(1, 2) }, scalars: {} };
 * encodedSize(message) === encodeBroadcast(message).length; // => true
 * ```
 */
export function encodedSize(message: Message): number {
  return layOut(message).byteLength;
}

/**
 * First byte of each vector in the encoded message. A vector that is a view of the target at this place is encoded
 * without a copy.
 *
 * @example
 * ```ts
 * import { vectorOffsets } from "@anabranch/core";
 * const message = { round: 3, vectors: { parameters: Float32Array.of(1, 2) }, scalars: {} };
 * Object.keys(vectorOffsets(message)); // => ["parameters"]
 * ```
 */
export function vectorOffsets(message: Message): Record<string, number> {
  const { offsets } = layOut(message);
  return Object.fromEntries(Object.keys(message.vectors).map((name) => [name, offsets[VECTOR + name]!]));
}

/**
 * Encodes into `target` at `offset` (which may lie in shared memory) and returns the bytes written.
 *
 * @example
 * ```ts
 * import { encodedSize, encodeInto } from "@anabranch/core";
 * const message = { round: 3, vectors: { parameters: Float32Array.of(1, 2) }, scalars: {} };
 * encodeInto(message, new Uint8Array(encodedSize(message) + 8), 8) > 0; // => true
 * ```
 */
export function encodeInto(message: Message, target: Uint8Array, offset = 0): number {
  return layOut(message).write(target, offset);
}

/**
 * Reads a broadcast; its vectors are views of `bytes` where aligned. `where` names the sender in errors:
 * `safetensors/...`, `protocol/kind`, `protocol/version`, `protocol/invalid`.
 *
 * @example
 * ```ts
 * import { decodeBroadcast, encodeBroadcast } from "@anabranch/core";
 * const file = encodeBroadcast({ round: 3, vectors: { parameters: Float32Array.of(1, 2) }, scalars: {} });
 * decodeBroadcast(file).vectors["parameters"]; // => [1, 2]
 * ```
 */
export function decodeBroadcast(bytes: Uint8Array, where = "broadcast", limits: SafetensorsLimits = {}): Broadcast {
  const { numbers, vectors, encoded } = readEnvelope(bytes, "broadcast", where, limits);
  const { round, ...rest } = numbers;
  const payloads = Object.keys(encoded).length === 0 ? {} : { encoded };
  return checkBroadcast({ round, vectors, ...payloads, scalars: unprefixed(rest, SCALAR, where) }, where);
}

/**
 * Reads an update; as `decodeBroadcast`. The elements of its vectors may be NaN: that is for the round loop to judge.
 *
 * @example
 * ```ts
 * import { decodeUpdate, encodeUpdate } from "@anabranch/core";
 * const metadata = { examples: 20, steps: 4, weight: 20, loss: 0.5 };
 * const vectors = { delta: Float32Array.of(1, 2) };
 * const file = encodeUpdate({ round: 3, client: 7, layoutHash: "0", vectors, public: metadata });
 * decodeUpdate(file).public.steps; // => 4
 * ```
 */
export function decodeUpdate(bytes: Uint8Array, where = "update", limits: SafetensorsLimits = {}): Update {
  const { numbers, vectors, encoded, layoutHash } = readEnvelope(bytes, "update", where, limits);
  const { round, client, ...rest } = numbers;
  const payloads = Object.keys(encoded).length === 0 ? {} : { encoded };
  return checkUpdate({ round, client, layoutHash, vectors, ...payloads, public: rest }, where);
}

function encode(message: Message): Uint8Array<ArrayBuffer> {
  const { tensors, metadata } = envelope(message);
  return encodeSafetensors(tensors, metadata);
}

function layOut(message: Message): SafetensorsLayout {
  const { tensors, metadata } = envelope(message);
  return layOutSafetensors(tensors, metadata);
}

function envelope(message: Message): { tensors: Record<string, SafetensorsTensor>; metadata: Record<string, string> } {
  const kind = "scalars" in message ? "broadcast" : "update";
  const numbers = "scalars" in message ? broadcastNumbers(message) : updateNumbers(message);
  const tensors: Record<string, SafetensorsTensor> = {
    numbers: { shape: [numbers.length], data: Float64Array.from(numbers, ([, value]) => value) },
  };
  for (const [name, data] of Object.entries(message.vectors)) {
    tensors[VECTOR + name] = { shape: [data.length], data };
  }
  for (const [name, data] of Object.entries(message.encoded ?? {})) {
    tensors[ENCODED + name] = { shape: [data.length], data };
  }
  const metadata: Record<string, string> = {
    anabranch: kind,
    version: MESSAGE_VERSION,
    numbers: JSON.stringify(numbers.map(([name]) => name)),
  };
  if ("layoutHash" in message) metadata.layout = message.layoutHash;
  return { tensors, metadata };
}

function broadcastNumbers({ round, scalars }: Broadcast): [string, number][] {
  const named = Object.entries(scalars).sort(([a], [b]) => (a < b ? -1 : 1));
  return [["round", round], ...named.map(([name, value]): [string, number] => [SCALAR + name, value])];
}

function updateNumbers(update: Update): [string, number][] {
  const { examples, steps, weight, loss, seconds, part } = update.public;
  const numbers: [string, number][] = [
    ["round", update.round],
    ["client", update.client],
    ["examples", examples],
    ["steps", steps],
    ["weight", weight],
    ["loss", loss],
  ];
  if (seconds !== undefined) numbers.push(["seconds", seconds]);
  if (part !== undefined) numbers.push(["part", part]);
  return numbers;
}
