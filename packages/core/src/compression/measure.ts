import type { Layout, Vector } from "../params/index.ts";
import type { RandomKey } from "../random/index.ts";
import { type CompressionSettings, encodePayload, throughPayload } from "./payload.ts";

/** How far a vector comes back from a chain of operators, and what it costs. */
export interface MeasuredCompression {
  /** Bytes of the payload. */
  readonly bytes: number;
  /** |C(v) - v| / |v|; 0 for a vector of zeros that comes back. */
  readonly relativeError: number;
  /** Cosine of v and C(v); undefined where one of them is 0. */
  readonly cosine: number | undefined;
}

/**
 * Bytes and error of a vector in a chain, from a payload that is really encoded and decoded.
 *
 * @param vector [layout.size], finite
 * @example
 * ```ts
 * import { layout, measureCompression, rootKey } from "@anabranch/core";
 * const model = layout([{ name: "w", shape: [4], role: "vector", block: "w" }]);
 * const settings = { up: [{ name: "top-k", density: 0.25 } as const], scope: "model" } as const;
 * measureCompression(settings, model, Float32Array.of(4, 0, -3, 0), rootKey(1)).relativeError; // => 0.6
 * ```
 */
export function measureCompression(
  settings: CompressionSettings,
  layout: Layout,
  vector: Vector,
  key: RandomKey,
): MeasuredCompression {
  const { length } = encodePayload(settings, layout, vector, key);
  return { bytes: length, ...distortion(vector, throughPayload(settings, layout, vector, key)) };
}

/** Relative error and cosine of what arrived of a vector. */
export function distortion(vector: Vector, arrived: Vector): Omit<MeasuredCompression, "bytes"> {
  let [product, squares, arrivedSquares, errors] = [0, 0, 0, 0];
  for (let i = 0; i < vector.length; i++) {
    const [v, a] = [vector[i]!, arrived[i]!];
    product += v * a;
    squares += v * v;
    arrivedSquares += a * a;
    errors += (a - v) * (a - v);
  }
  const norms = Math.sqrt(squares) * Math.sqrt(arrivedSquares);
  return {
    relativeError: errors === 0 ? 0 : Math.sqrt(errors) / Math.sqrt(squares),
    cosine: norms === 0 ? undefined : product / norms,
  };
}
