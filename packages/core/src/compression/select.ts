import type { Vector } from "../params/index.ts";

/**
 * Indices of the k largest absolute values, ascending, [k]. Of equal values the lower index is taken.
 *
 * @example largestEntries(Float64Array.of(1, -2, 2, 0.5, -2, 1), 2) // [1, 2]
 */
export function largestEntries(vector: Vector, k: number): Uint32Array<ArrayBuffer> {
  if (k >= vector.length) return Uint32Array.from(vector, (_, i) => i);
  const indices = new Uint32Array(k);
  if (k === 0) return indices;
  const { threshold, above } = vector instanceof Float32Array ? radixThreshold(vector, k) : sortedThreshold(vector, k);
  let ties = k - above;
  let at = 0;
  for (let i = 0; i < vector.length && at < k; i++) {
    const size = Math.abs(vector[i]!);
    if (size > threshold || (size === threshold && ties-- > 0)) indices[at++] = i;
  }
  return indices;
}

/** The k-th largest absolute value, and how many are larger. */
interface Threshold {
  readonly threshold: number;
  readonly above: number;
}

function sortedThreshold(vector: Vector, k: number): Threshold {
  const sizes = Float64Array.from(vector, Math.abs).sort();
  const threshold = sizes[sizes.length - k]!;
  let above = 0;
  while (above < k && sizes[sizes.length - 1 - above]! > threshold) above++;
  return { threshold, above };
}

/** Counts by the upper and then by the lower 16 bits: the bits of absolute floats are in the order of their values. */
function radixThreshold(vector: Float32Array, k: number): Threshold {
  const bits = new Uint32Array(vector.buffer, vector.byteOffset, vector.length);
  const upper = new Uint32Array(1 << 15);
  for (let i = 0; i < bits.length; i++) upper[(bits[i]! & 0x7fffffff) >>> 16]!++;
  let above = 0;
  let high = upper.length - 1;
  while (above + upper[high]! < k) above += upper[high--]!;
  const lower = new Uint32Array(1 << 16);
  for (let i = 0; i < bits.length; i++) {
    const size = bits[i]! & 0x7fffffff;
    if (size >>> 16 === high) lower[size & 0xffff]!++;
  }
  let low = lower.length - 1;
  while (above + lower[low]! < k) above += lower[low--]!;
  const threshold = new Float32Array(Uint32Array.of(high * 65536 + low).buffer)[0]!;
  return { threshold, above };
}
