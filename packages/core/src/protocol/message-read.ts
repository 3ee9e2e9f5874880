import * as z from "zod/mini";
import type { Vector } from "../params/index.ts";
import type { Broadcast, Update } from "./message-types.ts";
import { decodeSafetensors } from "./safetensors-read.ts";
import { excerpt, fail, type SafetensorsLimits, type SafetensorsTensor } from "./safetensors-types.ts";

/**
 * Version of the message format; other versions are refused.
 *
 * @example
 * ```ts
 * import { MESSAGE_VERSION } from "@anabranch/core";
 * typeof MESSAGE_VERSION; // => "string"
 * ```
 */
export const MESSAGE_VERSION = "1";
/** Prefixes keep an algorithm's names apart from those of the message. */
export const VECTOR = "vectors/";
export const SCALAR = "scalars/";
export const ENCODED = "encoded/";

const count = z.int().check(z.nonnegative());
/** Any float64: zod's own number refuses NaN and infinities, which a diverged client reports. */
const anyNumber = z.custom<number>((value) => typeof value === "number", "not a number");
const vectors = z.record(z.string(), z.custom<Vector>(isVector, "a vector must be F32 or F64"));
const numberNames = z.array(z.string());

const payloads = z.record(z.string(), z.custom<Uint8Array>(isBytes, "a payload must be U8"));

const broadcastSchema = z.strictObject({
  round: count,
  vectors,
  encoded: z.optional(payloads),
  scalars: z.record(z.string(), anyNumber),
});

const updateSchema = z.strictObject({
  round: count,
  client: count,
  layoutHash: z.string().check(z.minLength(1)),
  vectors,
  encoded: z.optional(payloads),
  public: z.strictObject({
    examples: count,
    steps: count,
    weight: z.number().check(z.nonnegative()),
    loss: anyNumber,
    seconds: z.optional(z.number().check(z.nonnegative())),
    part: z.optional(count),
  }),
});

/** The parts of a message before their meaning is checked. */
export interface Envelope {
  readonly numbers: Readonly<Record<string, number>>;
  readonly vectors: Readonly<Record<string, unknown>>;
  readonly encoded: Readonly<Record<string, unknown>>;
  readonly layoutHash: string | undefined;
}

/** Opens a message of the kind that the receiver waits for. */
export function readEnvelope(bytes: Uint8Array, kind: string, where: string, limits: SafetensorsLimits): Envelope {
  const { tensors, metadata } = decodeSafetensors(bytes, where, limits);
  const { anabranch, version, numbers: names, layout, ...unknown } = metadata;
  if (anabranch !== kind) {
    fail("protocol/kind", "the message is not what was waited for", {
      where,
      received: anabranch === undefined ? "no message of ours" : excerpt(anabranch),
      expected: JSON.stringify(kind),
    });
  }
  if (version !== MESSAGE_VERSION) {
    fail("protocol/version", "the message is of another version", {
      where,
      received: excerpt(version),
      expected: JSON.stringify(MESSAGE_VERSION),
      advice: "Run the same version of Anabranch on both sides.",
    });
  }
  const stray = Object.keys(unknown)[0];
  if (stray !== undefined) invalid(where, "unknown metadata", excerpt(stray));
  return { ...readTensors(tensors, readNames(names, where), where), layoutHash: layout };
}

export function checkBroadcast(value: unknown, where: string): Broadcast {
  return check(broadcastSchema, value, where) as Broadcast;
}

export function checkUpdate(value: unknown, where: string): Update {
  // `seconds`, `part` and `encoded` stay away rather than undefined, as the schema leaves absent keys out.
  return check(updateSchema, value, where) as Update;
}

function check<T>(schema: z.core.$ZodType<unknown, unknown> & z.ZodMiniType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const place = issue.path.join(".") || "message";
  invalid(where, `${place.slice(0, 100)}: ${issue.message.slice(0, 200)}`, undefined, issue);
}

function readNames(json: string | undefined, where: string): string[] {
  try {
    return numberNames.parse(JSON.parse(json ?? ""));
  } catch (cause) {
    invalid(where, "the list of numbers cannot be read", excerpt(json), cause);
  }
}

function readTensors(
  tensors: Readonly<Record<string, SafetensorsTensor>>,
  names: readonly string[],
  where: string,
): Pick<Envelope, "numbers" | "vectors" | "encoded"> {
  const { numbers, ...rest } = tensors;
  if (!(numbers?.data instanceof Float64Array) || numbers.data.length !== names.length) {
    invalid(
      where,
      "the numbers do not fit their names",
      `${numbers?.data.length ?? "no"} numbers, ${names.length} names`,
    );
  }
  const values = numbers.data;
  if (new Set(names).size !== names.length) invalid(where, "a number is named twice", excerpt(names));
  const all = Object.entries(rest).map(([name, tensor]) => [name, flat(tensor, name, where)] as const);
  const named = (is: boolean) => Object.fromEntries(all.filter(([name]) => name.startsWith(ENCODED) === is));
  return {
    numbers: Object.fromEntries(names.map((name, i) => [name, values[i]!])),
    vectors: unprefixed(named(false), VECTOR, where),
    encoded: unprefixed(named(true), ENCODED, where),
  };
}

/** The record under its names without the prefix, which each must have. */
export function unprefixed<T>(record: Readonly<Record<string, T>>, prefix: string, where: string): Record<string, T> {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => {
      // An object with a key of that name would not survive a copy by assignment.
      if (!name.startsWith(prefix) || name === `${prefix}__proto__`)
        invalid(where, "a name has no place in a message", excerpt(name));
      return [name.slice(prefix.length), value];
    }),
  );
}

function flat({ shape, data }: SafetensorsTensor, name: string, where: string): unknown {
  if (shape.length !== 1) invalid(where, "a vector has more than one dimension", excerpt(name));
  return data;
}

function isVector(value: unknown): boolean {
  return value instanceof Float32Array || value instanceof Float64Array;
}

function isBytes(value: unknown): boolean {
  return value instanceof Uint8Array;
}

function invalid(where: string, message: string, received?: string, cause?: unknown): never {
  fail("protocol/invalid", "the message is malformed", {
    where,
    received: received === undefined ? message : `${message}: ${received}`,
    cause,
    advice: "The sender does not speak this protocol, or the message was damaged on its way.",
  });
}
