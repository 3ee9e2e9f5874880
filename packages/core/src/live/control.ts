import * as z from "zod";

/**
 * Version of the control messages; a peer of another version is refused.
 *
 * @example
 * ```ts
 * import { LIVE_VERSION } from "@anabranch/core/live";
 * LIVE_VERSION; // => 1
 * ```
 */
export const LIVE_VERSION = 1;
/**
 * Longest control message in bytes. Tensors go by HTTP.
 *
 * @example
 * ```ts
 * import { CONTROL_BYTES } from "@anabranch/core/live";
 * CONTROL_BYTES; // => 65536
 * ```
 */
export const CONTROL_BYTES = 65_536;

const text = (most: number) => z.string().min(1).max(most);
/**
 * SHA-256 of bytes, lower-case hexadecimal.
 *
 * @example
 * ```ts
 * import { contentHash } from "@anabranch/core/live";
 * contentHash.safeParse("0".repeat(64)).success; // => true
 * ```
 */
export const contentHash = z.string().regex(/^[0-9a-f]{64}$/);
const base64 = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[A-Za-z0-9+/_=-]*$/);
/**
 * ROUND/CLIENT/VISIT, the name of an order.
 *
 * @example
 * ```ts
 * import { orderId } from "@anabranch/core/live";
 * orderId.safeParse("3/17/0").success; // => true
 * ```
 */
export const orderId = z.string().regex(/^\d{1,9}\/\d{1,9}\/\d{1,9}$/);
/**
 * ROUND/CLIENT/HASH, the name of a message of secure aggregation: the first half of its hash is enough.
 *
 * @example
 * ```ts
 * import { messageId } from "@anabranch/core/live";
 * messageId.safeParse("3/17/not-a-hash").success; // => false
 * ```
 */
export const messageId = z.string().regex(/^\d{1,9}\/\d{1,9}\/[0-9a-f]{32}$/);
/**
 * What an upload is for: the update of an order, or the answer to a message.
 *
 * @example
 * ```ts
 * import { uploadId } from "@anabranch/core/live";
 * uploadId.safeParse("3/17/0").success; // => true
 * ```
 */
export const uploadId = z.union([orderId, messageId]);
/** Longer messages of secure aggregation go by HTTP. */
export const INLINE_BYTES = 32_768;
const inlineBody = base64(Math.ceil(INLINE_BYTES / 3) * 4);
const count = z
  .int()
  .min(0)
  .max(2 ** 40);
const key = z.tuple([z.int().min(0).max(0xffffffff), z.int().min(0).max(0xffffffff)]);
const labels = z.record(z.string().max(64), z.string().max(64)).refine((all) => Object.keys(all).length <= 16);

/**
 * What a client sends.
 *
 * @example
 * ```ts
 * import { clientMessage } from "@anabranch/core/live";
 * clientMessage.safeParse({ type: "unknown" }).success; // => false
 * ```
 */
export const clientMessage = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("hello"),
    v: z.literal(LIVE_VERSION),
    package: text(32),
    run: text(128),
    /** The join token, as the operator gave it. */
    token: z.string().max(512),
    /** Ed25519, raw, base64. */
    publicKey: base64(64),
    name: z.string().max(64).optional(),
    labels: labels.optional(),
    /** The number that it asks for: its share of a known partition. */
    client: z
      .int()
      .min(0)
      .max(2 ** 31)
      .optional(),
  }),
  /** Ed25519 over `proofText`. */
  z.strictObject({ type: z.literal("prove"), signature: base64(128) }),
  z.strictObject({
    type: z.literal("ready"),
    layoutHash: text(128),
    programHash: text(128),
    /** Absent under secure aggregation. */
    examples: count.optional(),
    executor: text(64),
    fingerprint: text(128),
  }),
  z.strictObject({
    type: z.literal("progress"),
    order: text(64),
    phase: z.enum(["waiting", "downloading", "training", "masking", "uploading"]),
    /** Share of the phase, 0 to 1. */
    share: z.number().min(0).max(1),
  }),
  z.strictObject({ type: z.literal("failed"), order: text(64), code: text(64), message: text(2000) }),
  z.strictObject({
    type: z.literal("evaluated"),
    order: text(64),
    loss: z.number(),
    score: z.number(),
    examples: count,
  }),
  /** The answer to a message of secure aggregation, where it is short. */
  z.strictObject({ type: z.literal("answer"), order: messageId, body: inlineBody }),
  z.strictObject({ type: z.literal("leave") }),
]);
export type ClientMessage = z.infer<typeof clientMessage>;

/**
 * What the server sends.
 *
 * @example
 * ```ts
 * import { serverMessage } from "@anabranch/core/live";
 * serverMessage.safeParse({ type: "unknown" }).success; // => false
 * ```
 */
export const serverMessage = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("challenge"), v: z.literal(LIVE_VERSION), package: text(32), nonce: base64(64) }),
  z.strictObject({
    type: z.literal("welcome"),
    client: z.int().min(0),
    /** Bearer token of this session's HTTP requests. */
    session: text(128),
    /** `TaskDescription`, parsed by its own schema. */
    description: z.unknown(),
    /** A client that is silent for longer counts as gone. */
    progressSeconds: z.number().positive(),
  }),
  z.strictObject({
    type: z.literal("task"),
    order: orderId,
    /** 1-based round whose model is trained. */
    version: z.int().min(1),
    /** The encoded broadcast. */
    blob: contentHash,
    bytes: count,
    part: z.int().min(0).optional(),
    learningRate: z.number(),
    keys: z.record(z.string().max(64), key),
    /** Version after which the client state that counts was kept; absent at the first visit. */
    stateOf: z.int().min(1).optional(),
  }),
  z.strictObject({ type: z.literal("evaluate"), order: text(64), blob: contentHash, bytes: count }),
  /** A message of secure aggregation, base64; a long one is fetched as a blob. */
  z.strictObject({
    type: z.literal("secure"),
    order: messageId,
    stage: z.enum(["advertise", "share", "mask", "consistency", "unmask", "recover"]),
    blob: contentHash,
    bytes: count,
    body: inlineBody.optional(),
  }),
  /** The order is over for this client: accepted, late, dropped. */
  z.strictObject({ type: z.literal("closed"), order: z.string().max(64), code: text(64) }),
  /** The connection ends; `retry` false: coming back will not help. */
  z.strictObject({
    type: z.literal("refused"),
    code: text(64),
    message: text(2000),
    advice: z.string().max(2000).optional(),
    retry: z.boolean(),
  }),
  z.strictObject({ type: z.literal("finished"), round: count, stopped: text(64), modelHash: z.string().max(128) }),
]);
export type ServerMessage = z.infer<typeof serverMessage>;

/**
 * What a client signs: that it holds the key, for this run, this connection and this address of the server.
 *
 * @example
 * ```ts
 * import { proofText } from "@anabranch/core/live";
 * proofText("k3f9a2", "nonce", "https://example.org").length > 20; // => true
 * ```
 */
export function proofText(run: string, nonce: string, origin: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(["anabranch live", LIVE_VERSION, run, nonce, origin].join("\n"));
}

/**
 * The answer to an upload.
 *
 * @example
 * ```ts
 * import { uploadAnswer } from "@anabranch/core/live";
 * uploadAnswer.safeParse({ status: "accepted", hash: "0".repeat(64) }).success; // => true
 * ```
 */
export const uploadAnswer = z.discriminatedUnion("status", [
  /** Now, or already: the update counts once. */
  z.strictObject({ status: z.literal("accepted"), hash: contentHash }),
  z.strictObject({ status: z.literal("refused"), code: text(64), message: text(2000) }),
]);
export type UploadAnswer = z.infer<typeof uploadAnswer>;

/** An upload that is not taken. */
export function refusedUpload(code: string, message: string): Extract<UploadAnswer, { status: "refused" }> {
  return { status: "refused", code, message };
}
