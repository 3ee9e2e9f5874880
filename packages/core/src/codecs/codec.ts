/**
 * Per-update codecs at the wire: a client encodes a vector after all that acts on its values, the server decodes each
 * update before the fold. Only matrices are encoded: a parameter [m, n], each of a batch [b, m, n], and a convolution
 * kernel [out, in, kh, kw] as [out, in * kh * kw]; the other parameters travel as they are, all in the order of the layout.
 */
import { AnabranchError } from "@anabranch/engine";
import { type Layout, type Vector, zerosLike } from "../params/index.ts";
import { type CodecSpec, matrixCodec } from "./codec-spec.ts";
import type { MatrixCodec } from "./matrix-codec.ts";

/** A stretch of a flat vector: a matrix [m, n] to encode, or floats that travel as they are. */
interface Piece {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  readonly matrix?: readonly [m: number, n: number];
}

/**
 * The encoded vector, of the same element type and at most `largestEncoding` elements.
 * Throws `codec/option`, `codec/unknown` or `codec/not-symmetric`.
 *
 * @param vector [layout.size], finite
 * @example
 * ```ts
 * import { encodeVector, layout } from "@anabranch/core";
 * const model = layout([{ name: "w", shape: [8, 8], role: "matrix", block: "w" }]);
 * const spec = { name: "truncated-svd", share: 0.25 } as const;
 * encodeVector(spec, model, new Float32Array(64).fill(1)).length < 64; // => true
 * ```
 */
export function encodeVector<V extends Vector>(spec: CodecSpec, layout: Layout, vector: V): V {
  const codec = matrixCodec(spec);
  const encoded = pieces(codec, layout).map(({ offset, size, matrix }) => {
    const values = vector.subarray(offset, offset + size);
    return matrix === undefined ? values : codec.encode(Float64Array.from(values), ...matrix);
  });
  const out = zerosLike(
    vector,
    encoded.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const values of encoded) {
    out.set(values, at);
    at += values.length;
  }
  return out;
}

/**
 * The decoded vector [layout.size]. Throws `update/codec` where `encodingFault` finds something.
 *
 * @example
 * ```ts
 * import { decodeVector, encodeVector, layout } from "@anabranch/core";
 * const model = layout([{ name: "w", shape: [8, 8], role: "matrix", block: "w" }]);
 * const spec = { name: "truncated-svd", energy: 0.99 } as const;
 * const sent = encodeVector(spec, model, new Float32Array(64).fill(1));
 * decodeVector(spec, model, sent).subarray(0, 3); // => [1, 1, 1]
 * ```
 */
export function decodeVector<V extends Vector>(spec: CodecSpec, layout: Layout, encoded: V): V {
  const fault = encodingFault(spec, layout, encoded);
  if (fault !== undefined) {
    throw new AnabranchError({
      code: "update/codec",
      message: `the vector is not what the codec ${spec.name} writes: ${fault}`,
      advice: "Both sides must use the same model, method and version.",
    });
  }
  const codec = matrixCodec(spec);
  const out = zerosLike(encoded, layout.size);
  let at = 0;
  for (const { offset, size, matrix } of pieces(codec, layout)) {
    const length = matrix === undefined ? size : codec.length(encoded[at], ...matrix)!;
    const values = encoded.subarray(at, at + length);
    out.set(matrix === undefined ? values : codec.decode(Float64Array.from(values), ...matrix), offset);
    at += length;
  }
  return out;
}

/**
 * Why a vector cannot be decoded, from its length and the ranks in it; undefined where it can.
 *
 * @example
 * ```ts
 * import { encodeVector, encodingFault, layout } from "@anabranch/core";
 * const model = layout([{ name: "w", shape: [8, 8], role: "matrix", block: "w" }]);
 * const spec = { name: "truncated-svd", energy: 0.99 } as const;
 * encodingFault(spec, model, encodeVector(spec, model, new Float32Array(64).fill(1))); // => undefined
 * ```
 */
export function encodingFault(spec: CodecSpec, layout: Layout, encoded: Vector): string | undefined {
  const codec = matrixCodec(spec);
  let at = 0;
  for (const { name, size, matrix } of pieces(codec, layout)) {
    const length = matrix === undefined ? size : codec.length(encoded[at], ...matrix);
    if (length === undefined) {
      const received = at < encoded.length ? `${encoded[at]} at element ${at}` : `an end after ${at} elements`;
      return `the rank of ${name} cannot be ${received}`;
    }
    at += length;
  }
  return at === encoded.length ? undefined : `it has ${encoded.length} elements, its ranks make ${at}`;
}

/**
 * Elements that an encoded vector has at most.
 *
 * @example
 * ```ts
 * import { largestEncoding, layout } from "@anabranch/core";
 * const model = layout([{ name: "w", shape: [8, 8], role: "matrix", block: "w" }]);
 * largestEncoding({ name: "truncated-svd", energy: 0.99 }, model) >= 64; // => true
 * ```
 */
export function largestEncoding(spec: CodecSpec, layout: Layout): number {
  const codec = matrixCodec(spec);
  return pieces(codec, layout).reduce(
    (sum, { size, matrix }) => sum + (matrix === undefined ? size : codec.largest(...matrix)),
    0,
  );
}

function pieces(codec: MatrixCodec, { entries }: Layout): Piece[] {
  return entries.flatMap(({ name, offset, size, shape }): Piece[] => {
    const matrix = shape.length > 3 ? ([shape[0]!, size / shape[0]!] as const) : lastTwo(shape);
    if (matrix === undefined || !codec.takes(...matrix)) return [{ name, offset, size }];
    const each = matrix[0] * matrix[1];
    return Array.from({ length: size / each }, (_, i) => ({ name, offset: offset + i * each, size: each, matrix }));
  });
}

function lastTwo(shape: readonly number[]): readonly [number, number] | undefined {
  return shape.length < 2 ? undefined : [shape.at(-2)!, shape.at(-1)!];
}
