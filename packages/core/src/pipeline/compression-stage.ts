import { AnabranchError } from "@anabranch/engine";
import type { Payloads } from "../algorithms/algorithm.ts";
import {
  applyFeedback,
  decodePayload,
  drawsOneTable,
  encodePayload,
  type FloatBytes,
  feedbackLayouts,
  largestPayload,
  mayBeFresh,
  readFloats,
  requireDraws,
  writeFloats,
} from "../compression/index.ts";
import type { Layout } from "../params/layout.ts";
import { isFiniteVector, type Vector, zerosLike } from "../params/vector.ts";
import type { ClientStageContext, InvalidUpdate, Stage, Update } from "../protocol/index.ts";
import type { RandomKey } from "../random/index.ts";
import { replicaState } from "./broadcast-compression.ts";
import { layoutsOfPart, type PipelineSettings, type UploadCompression, type Uploads } from "./settings.ts";

/** The name of the random key that the client half asks for. */
const KEY = "compression";

/**
 * Replaces vectors by bytes and back, one update at a time. What a client could not send it keeps, as `feedback` says; this
 * state is committed with the client's state, so a refused update commits none. Payloads that cannot be read, or that are
 * not finite, are refused. Clients draw for themselves, but for sketches, of which a round has one table.
 */
export function compressionStage(
  uploads: Uploads,
  settings: UploadCompression,
  make: (length: number) => Vector,
): Stage {
  return {
    name: "compression",
    keys: [{ name: KEY, shared: drawsOneTable(settings), path: (round) => [KEY, round] }],
    client(update, context) {
      const encoded: Record<string, Uint8Array> = {};
      const { round, vectors } = update;
      for (const name of settings.vectors) encoded[name] = payloadOf(settings, name, vectors[name]!, context, round);
      return { ...update, vectors: without(update.vectors, settings.vectors), encoded };
    },
    receive(update, { part, keys }) {
      const layouts = layoutsOfPart(uploads, part);
      const vectors: Record<string, Vector> = {};
      for (const name of settings.vectors) {
        const vector = received(settings, update.encoded?.[name], layouts[name]!, make, update.round, keys?.[KEY]);
        if (typeof vector === "string") return invalid(name, vector);
        vectors[name] = vector;
      }
      const { encoded: _bytes, ...rest } = update;
      return { ...rest, vectors: { ...update.vectors, ...vectors } };
    },
  };
}

function payloadOf(
  settings: UploadCompression,
  name: string,
  vector: Vector,
  context: ClientStageContext,
  round: number,
): Uint8Array {
  const layout = context.layouts[name]!;
  const key = context.keys[KEY]!;
  if (settings.feedback === "none") {
    const bytes = encodePayload(settings, layout, vector, key, round);
    if (context.compressed === undefined) return bytes;
    const arrived = decodePayload(settings, layout, bytes, (length) => zerosLike(vector, length), round);
    context.compressed(vector, arrived, bytes.length);
    return bytes;
  }
  const asVector = (values: Float64Array): Vector => {
    const copied = zerosLike(vector);
    copied.set(values);
    return copied;
  };
  const payloads: Uint8Array[] = [];
  const compress = (values: Float64Array): Float64Array => {
    const wanted = asVector(values);
    const bytes = encodePayload(settings, layout, wanted, key);
    const arrived = decodePayload(settings, layout, bytes, (length) => zerosLike(vector, length));
    if (payloads.length === 0) context.compressed?.(wanted, arrived, bytes.length);
    payloads.push(bytes);
    return Float64Array.from(arrived);
  };
  const { sent, fresh, state } = applyFeedback(settings, name, vector, context.state ?? {}, compress);
  for (const [kept, values] of Object.entries(state)) context.keep?.(kept, asVector(values));
  if (!mayBeFresh(settings)) return payloads[0]!;
  // The server keeps no client's estimate, so what replaces one travels whole.
  return fresh ? flagged(FRESH, writeFloats(sent, widthOf(vector))) : flagged(CHANGE, payloads[0]!);
}

/** The vector of a payload, or why there is none. */
function received(
  settings: UploadCompression,
  payload: Uint8Array | undefined,
  layout: Layout,
  make: (length: number) => Vector,
  round: number,
  key: RandomKey | undefined,
): Vector | string {
  if (payload === undefined) return "it is missing";
  try {
    const vector = decoded(settings, payload, layout, make, round, key);
    return isFiniteVector(vector) ? vector : "it is not finite when it is decoded";
  } catch (error) {
    if (error instanceof AnabranchError && error.code === "update/codec") return error.message;
    throw error;
  }
}

function decoded(
  settings: UploadCompression,
  payload: Uint8Array,
  layout: Layout,
  make: (length: number) => Vector,
  round: number,
  key: RandomKey | undefined,
): Vector {
  const fresh = mayBeFresh(settings);
  if (!fresh || payload[0] !== FRESH) {
    const body = fresh ? payload.subarray(1) : payload;
    if (key !== undefined) requireDraws(settings, body, key);
    return decodePayload(settings, layout, body, make, fresh ? undefined : round);
  }
  const vector = make(layout.size);
  readFloats(payload.subarray(1), vector, widthOf(vector));
  return vector;
}

/** First byte of a payload that may be fresh. */
const [CHANGE, FRESH] = [0, 1];

function flagged(flag: number, bytes: Uint8Array): Uint8Array {
  const payload = new Uint8Array(1 + bytes.length);
  payload[0] = flag;
  payload.set(bytes, 1);
  return payload;
}

/** Bytes of a payload at most. */
export function largestCompressed(settings: UploadCompression, layout: Layout, floatBytes: FloatBytes): number {
  const payload = largestPayload(settings, layout, floatBytes);
  return mayBeFresh(settings) ? 1 + Math.max(payload, floatBytes * layout.size) : payload;
}

/**
 * What clients keep for feedback, in both directions, by the layouts of what they send and receive.
 *
 * @example
 * ```ts
 * import { feedbackState } from "@anabranch/core";
 * import { smallRun } from "@anabranch/core/conformance";
 * const run = smallRun({ name: "fedavg" }, { compression: { up: ["top-k density=0.1"], feedback: "ef14" } });
 * const { stages, payloads } = run.prepared.plan;
 * Object.values(feedbackState(stages, payloads)).map(({ size }) => size); // => [26]
 * ```
 */
export function feedbackState(
  { compression, down }: Pick<PipelineSettings, "compression" | "down">,
  payloads: Pick<Payloads, "upload" | "broadcast">,
): Record<string, Layout> {
  const replica = replicaState(down, payloads);
  if (compression === undefined) return replica;
  const sent = compression.vectors.map((name) => [name, payloads.upload[name]!.layout] as const);
  return { ...replica, ...feedbackLayouts(compression, Object.fromEntries(sent)) };
}

/** Whether clients keep anything between rounds, for the method or for feedback. */
export function keepsClientState(payloads: Payloads, settings: PipelineSettings): boolean {
  return Object.keys(payloads.clientState).length > 0 || Object.keys(feedbackState(settings, payloads)).length > 0;
}

function without(vectors: Update["vectors"], names: readonly string[]): Update["vectors"] {
  return Object.fromEntries(Object.entries(vectors).filter(([name]) => !names.includes(name)));
}

function invalid(name: string, why: string): InvalidUpdate {
  return { code: "update/codec", message: `the compressed vector "${name}" is refused: ${why}` };
}

function widthOf(vector: Vector): FloatBytes {
  return vector instanceof Float64Array ? 8 : 4;
}
