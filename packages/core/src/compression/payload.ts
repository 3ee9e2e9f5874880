import { AnabranchError } from "@anabranch/engine";
import type { Layout, Vector } from "../params/index.ts";
import { deriveKey, type RandomKey, randomStream } from "../random/index.ts";
import { type FloatBytes, malformed } from "./bits.ts";
import { type CompressionLink, compressorOf } from "./chain.ts";
import type { CompressionContext, Compressor, Sketch } from "./compressor.ts";

/** How vectors of updates are compressed, as plain data. */
export interface CompressionSettings {
  readonly up: readonly CompressionLink[];
  /** "model": a vector is one stretch; "layer": each parameter by itself. */
  readonly scope: "model" | "layer";
  /** In place of the drawn sketch of a round, for traces; rounds count from 1. */
  readonly sketches?: readonly Sketch[] | undefined;
}

/** Bytes of a key, which come first where the receiver repeats the draws. */
const KEY_BYTES = 8;
/** Bytes of the length of a layer's body. */
const LENGTH_BYTES = 4;

/**
 * The payload of a vector: the key of its draws where the receiver repeats them, then the body; by layer each body after
 * its length. The same vector, settings and key give the same bytes.
 *
 * @param vector [layout.size], finite
 * @example
 * ```ts
 * import { encodePayload, layout, rootKey } from "@anabranch/core";
 * const model = layout([{ name: "w", shape: [8], role: "vector", block: "w" }]);
 * const settings = { up: [{ name: "sign" } as const], scope: "model" } as const;
 * encodePayload(settings, model, new Float32Array(8).fill(0.5), rootKey(1)).length; // => 5
 * ```
 */
export function encodePayload(
  settings: CompressionSettings,
  layout: Layout,
  vector: Vector,
  key: RandomKey,
  round = 0,
): Uint8Array<ArrayBuffer> {
  const compressor = builtCompressor(settings);
  const floatBytes = widthOf(vector);
  const stretches = stretchesOf(settings, layout);
  const sketch = settings.sketches?.[round - 1];
  const bodies = stretches.map(({ name, offset, size }) =>
    compressor.encode(vector.subarray(offset, offset + size), { floatBytes, ...drawsOf(key, name), sketch }),
  );
  const head = compressor.traits.sharesDraws ? KEY_BYTES : 0;
  const prefix = settings.scope === "layer" ? LENGTH_BYTES : 0;
  const payload = new Uint8Array(bodies.reduce((sum, { length }) => sum + prefix + length, head));
  const view = new DataView(payload.buffer);
  if (head > 0) for (let w = 0; w < 2; w++) view.setUint32(4 * w, key[w]!, true);
  let at = head;
  for (const body of bodies) {
    if (prefix > 0) view.setUint32(at, body.length, true);
    payload.set(body, at + prefix);
    at += prefix + body.length;
  }
  return payload;
}

/**
 * The vector [layout.size] of a payload. Throws `update/codec` for bytes that `encodePayload` cannot have written.
 *
 * @example
 * ```ts
 * import { decodePayload, encodePayload, layout, rootKey } from "@anabranch/core";
 * const model = layout([{ name: "w", shape: [2], role: "vector", block: "w" }]);
 * const settings = { up: [{ name: "sign" } as const], scope: "model" } as const;
 * const bytes = encodePayload(settings, model, Float32Array.of(0.5, -0.5), rootKey(1));
 * decodePayload(settings, model, bytes, (length) => new Float32Array(length)); // => [0.5, -0.5]
 * ```
 */
export function decodePayload(
  settings: CompressionSettings,
  layout: Layout,
  payload: Uint8Array,
  make: (length: number) => Vector,
  round = 0,
): Vector {
  const compressor = builtCompressor(settings);
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const vector = make(layout.size);
  const floatBytes = widthOf(vector);
  const head = compressor.traits.sharesDraws ? KEY_BYTES : 0;
  if (payload.length < head) throw malformed("it ends before the key of its draws");
  const key: RandomKey = head === 0 ? [0, 0] : [view.getUint32(0, true), view.getUint32(4, true)];
  let at = head;
  for (const { name, offset, size } of stretchesOf(settings, layout)) {
    const [begin, end] = stretchOf(at);
    const sketch = settings.sketches?.[round - 1];
    const out = vector.subarray(offset, offset + size);
    compressor.decode(payload.subarray(begin, end), out, { floatBytes, ...drawsOf(key, name), sketch });
    at = end;
  }
  if (at !== payload.length) throw malformed(`${payload.length - at} bytes are left over`);
  return vector;

  function stretchOf(start: number): readonly [number, number] {
    if (settings.scope === "model") return [start, payload.length];
    if (start + LENGTH_BYTES > payload.length) throw malformed("it ends before the length of a layer");
    const begin = start + LENGTH_BYTES;
    const end = begin + view.getUint32(start, true);
    if (end > payload.length) throw malformed("a layer is longer than what is left");
    return [begin, end];
  }
}

/** Throws `update/codec` where the receiver would repeat other draws than those of a key. */
export function requireDraws(settings: CompressionSettings, payload: Uint8Array, key: RandomKey): void {
  if (!builtCompressor(settings).traits.sharesDraws || payload.length < KEY_BYTES) return;
  const view = new DataView(payload.buffer, payload.byteOffset, KEY_BYTES);
  if (key.some((word, w) => view.getUint32(4 * w, true) !== word >>> 0))
    throw malformed("its draws are not those that the client was given");
}

/** The draws of a stretch. */
export function drawsOf(key: RandomKey, stretch: string): Pick<CompressionContext, "key" | "stream"> {
  const own = deriveKey(key, stretch);
  return { key: own, stream: randomStream(own) };
}

/** Whether all clients of a round draw alike, so that the key of their draws is that of the round. */
export function drawsOneTable(settings: Pick<CompressionSettings, "up">): boolean {
  return builtCompressor(settings).traits.oneTable === true;
}

const built = new WeakMap<CompressionSettings["up"], Compressor>();

/** The compressor of a chain, made once for all of its payloads. */
function builtCompressor({ up }: Pick<CompressionSettings, "up">): Compressor {
  const known = built.get(up) ?? compressorOf(up);
  built.set(up, known);
  return known;
}

/** Bytes of a payload at most. */
export function largestPayload(settings: CompressionSettings, layout: Layout, floatBytes: FloatBytes): number {
  const compressor = builtCompressor(settings);
  const head = compressor.traits.sharesDraws ? KEY_BYTES : 0;
  const prefix = settings.scope === "layer" ? LENGTH_BYTES : 0;
  return stretchesOf(settings, layout).reduce(
    (sum, { size }) => sum + prefix + compressor.largest(size, floatBytes),
    head,
  );
}

/** What the receiver has of a vector. */
export function throughPayload(settings: CompressionSettings, layout: Layout, vector: Vector, key: RandomKey): Vector {
  const make = (n: number): Vector => (vector instanceof Float64Array ? new Float64Array(n) : new Float32Array(n));
  return decodePayload(settings, layout, encodePayload(settings, layout, vector, key), make);
}

/** Throws what is wrong with a chain, or with feedback around it. */
export function checkedCompressor(
  up: readonly CompressionLink[],
  feedback: string,
  direction: "up" | "down" = "up",
): Compressor {
  const compressor = compressorOf(up);
  if (feedback === "none" || compressor.traits.contractive) return compressor;
  throw new AnabranchError({
    code: "compression/feedback",
    message: "error feedback needs operators that bring a vector nearer to itself",
    where: direction === "up" ? "compression.feedback" : "compression.downFeedback",
    received: `${feedback} around ${up.map(({ name }) => name).join(", ")}`,
    expected: "top-k, rand-k with scaled = false, natural, sign, e3m0, nf4 or fedzip",
    advice: `Set ${direction === "up" ? "feedback" : "downFeedback"} = "none": unbiased operators do without.`,
  });
}

/** The stretches of a vector that are compressed by themselves. */
export function stretchesOf({ scope }: CompressionSettings, layout: Layout) {
  return scope === "layer" ? layout.entries : [{ name: "model", offset: 0, size: layout.size }];
}

function widthOf(vector: Vector): FloatBytes {
  return vector instanceof Float64Array ? 8 : 4;
}
