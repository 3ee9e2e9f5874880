import type { Layout, Vector } from "../params/index.ts";
import type { RandomKey } from "../random/index.ts";
import { compressorOf } from "./chain.ts";
import { readFloats, writeFloats } from "./floats.ts";
import { type CompressionSettings, drawsOf, stretchesOf } from "./payload.ts";

/** Exact values: what is added under masks is rounded afterwards. */
const WIDTH = 8;

/** Numbers to which a linear chain brings a vector. */
export function linearSize(settings: CompressionSettings, layout: Layout): number {
  const compressor = compressorOf(settings.up);
  return stretchesOf(settings, layout).reduce((sum, { size }) => sum + compressor.largest(size, WIDTH) / WIDTH, 0);
}

/**
 * C v for a linear chain, as numbers that can be added to those of others with the same key, [linearSize].
 *
 * @param vector [layout.size]
 */
export function applyLinear(
  settings: CompressionSettings,
  layout: Layout,
  vector: Vector,
  key: RandomKey,
): Float64Array {
  const compressor = compressorOf(settings.up);
  const values = new Float64Array(linearSize(settings, layout));
  let at = 0;
  for (const { name, offset, size } of stretchesOf(settings, layout)) {
    const part = vector.subarray(offset, offset + size);
    const bytes = compressor.encode(part, { floatBytes: WIDTH, ...drawsOf(key, name) });
    const length = bytes.length / WIDTH;
    readFloats(bytes, values.subarray(at, at + length), WIDTH);
    at += length;
  }
  return values;
}

/** What the receiver makes of such numbers, or of a mean of them, [layout.size]. */
export function undoLinear(
  settings: CompressionSettings,
  layout: Layout,
  values: Vector,
  key: RandomKey,
  make: (length: number) => Vector,
): Vector {
  const compressor = compressorOf(settings.up);
  const vector = make(layout.size);
  let at = 0;
  for (const { name, offset, size } of stretchesOf(settings, layout)) {
    const length = compressor.largest(size, WIDTH) / WIDTH;
    const bytes = writeFloats(values.subarray(at, at + length), WIDTH);
    compressor.decode(bytes, vector.subarray(offset, offset + size), { floatBytes: WIDTH, ...drawsOf(key, name) });
    at += length;
  }
  return vector;
}
