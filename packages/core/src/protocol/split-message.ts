/**
 * What client and server exchange while a client trains a model that is split between them. A message is a safetensors file
 * with one tensor, of activations or of their gradient; features and labels have no place in it. Its size depends on its kind
 * and shape alone.
 */
import type { Vector } from "../params/vector.ts";
import { MESSAGE_VERSION } from "./message-read.ts";
import { decodeSafetensors } from "./safetensors-read.ts";
import { excerpt, fail, type SafetensorsLimits } from "./safetensors-types.ts";
import { encodeSafetensors, layOutSafetensors } from "./safetensors-write.ts";

/**
 * The four messages of a batch in their order: up, down, up, down.
 *
 * @example
 * ```ts
 * import { SPLIT_MESSAGES } from "@anabranch/core";
 * SPLIT_MESSAGES.length; // => 4
 * ```
 */
export const SPLIT_MESSAGES = ["activations", "outputs", "output-gradient", "activation-gradient"] as const;

export type SplitMessageKind = (typeof SPLIT_MESSAGES)[number];

/** One message of a batch. */
export interface SplitMessage {
  readonly kind: SplitMessageKind;
  readonly round: number;
  readonly client: number;
  /** Number of the batch in the client's round, from 0. */
  readonly step: number;
  /** [rows, ...shape of one example's activations] */
  readonly shape: readonly number[];
  readonly values: Vector;
}

const FILE = "split";
const NUMBERS = ["round", "client", "step"] as const;

/**
 * The bytes of a message.
 *
 * @example
 * ```ts
 * import { decodeSplitMessage, encodeSplitMessage } from "@anabranch/core";
 * const message = { kind: "activations", round: 1, client: 4, step: 0, shape: [1, 2], values: Float32Array.of(3, 5) } as const;
 * decodeSplitMessage(encodeSplitMessage(message)).values; // => [3, 5]
 * ```
 */
export function encodeSplitMessage(message: SplitMessage): Uint8Array<ArrayBuffer> {
  const { tensors, metadata } = fileOf(message);
  return encodeSafetensors(tensors, metadata);
}

/**
 * Bytes of a message with so many values, without encoding it.
 *
 * @example
 * ```ts
 * import { encodeSplitMessage, splitMessageSize } from "@anabranch/core";
 * const message = { kind: "outputs", round: 1, client: 4, step: 0, shape: [1, 2], values: Float32Array.of(3, 5) } as const;
 * splitMessageSize("outputs", [1, 2], "float32") === encodeSplitMessage(message).length; // => true
 * ```
 */
export function splitMessageSize(
  kind: SplitMessageKind,
  shape: readonly number[],
  float: "float32" | "float64",
): number {
  const size = shape.reduce((product, extent) => product * extent, 1);
  const values = float === "float64" ? new Float64Array(size) : new Float32Array(size);
  const { tensors, metadata } = fileOf({ kind, shape, values, round: 0, client: 0, step: 0 });
  return layOutSafetensors(tensors, metadata).byteLength;
}

/**
 * Reads a message and refuses all that is none: `safetensors/...`, `protocol/kind`, `protocol/version`, `protocol/invalid`.
 * `where` names the sender in errors.
 *
 * @example
 * ```ts
 * import { decodeSplitMessage, encodeSplitMessage } from "@anabranch/core";
 * const message = { kind: "outputs", round: 1, client: 4, step: 2, shape: [1, 1], values: Float32Array.of(3) } as const;
 * decodeSplitMessage(encodeSplitMessage(message)).step; // => 2
 * ```
 */
export function decodeSplitMessage(
  bytes: Uint8Array,
  where = "split training",
  limits: SafetensorsLimits = {},
): SplitMessage {
  const { tensors, metadata } = decodeSafetensors(bytes, where, limits);
  const { anabranch, version, kind, ...unknown } = metadata;
  const advice = "The sender does not speak this protocol, or the message was damaged on its way.";
  const invalid = (received: string): never =>
    fail("protocol/invalid", "the message is malformed", { where, received, advice });
  if (anabranch !== FILE)
    fail("protocol/kind", "the message is not what was waited for", {
      where,
      received: anabranch === undefined ? "no message of ours" : excerpt(anabranch),
      expected: JSON.stringify(FILE),
    });
  if (version !== MESSAGE_VERSION)
    fail("protocol/version", "the message is of another version", {
      where,
      received: excerpt(version),
      expected: JSON.stringify(MESSAGE_VERSION),
      advice: "Run the same version of Anabranch on both sides.",
    });
  const { numbers, values, ...others } = tensors;
  const stray = [...Object.keys(unknown), ...Object.keys(others)][0];
  if (stray !== undefined) invalid(`a name has no place in a message: ${excerpt(stray)}`);
  const known = SPLIT_MESSAGES.find((one) => one === kind) ?? invalid(`kind ${excerpt(kind)}`);
  if (
    !(numbers?.data instanceof Float64Array) ||
    numbers.data.length !== NUMBERS.length ||
    !numbers.data.every(isCount)
  )
    return invalid("no round, client and step");
  if (!(values?.data instanceof Float32Array) && !(values?.data instanceof Float64Array)) return invalid("no values");
  const [round, client, step] = numbers.data as unknown as [number, number, number];
  return { kind: known, round, client, step, shape: values.shape, values: values.data };
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function fileOf({ kind, round, client, step, shape, values }: SplitMessage) {
  return {
    tensors: {
      numbers: { shape: [NUMBERS.length], data: Float64Array.of(round, client, step) },
      values: { shape, data: values },
    },
    metadata: { anabranch: FILE, kind, version: MESSAGE_VERSION },
  };
}
