import type { Vector } from "../params/index.ts";
import { CHUNK, type CodecKernels, kernelsFor, placesFound, putValues } from "./kernels.ts";

/** Entries that are looked at for a guess of the threshold. */
const SAMPLE = 4096;
/** Fewer entries are sorted: counting takes longer. */
const SORTED = 4096;

/**
 * Indices of the k largest absolute values, ascending, [k]. Of equal values the lower index is taken. One pass over the
 * vector leaves few more than k entries, by a threshold that a sample gives; the rest is exact and about those alone.
 *
 * @param vector [n], finite
 * @example largestEntries(Float64Array.of(1, -2, 2, 0.5, -2, 1), 2) // [1, 2]
 */
export function largestEntries(vector: Vector, k: number): Uint32Array<ArrayBuffer> {
  if (k >= vector.length) return everyIndex(vector.length);
  const indices = new Uint32Array(k);
  if (k === 0) return indices;
  const candidates = atLeast(vector, guess(vector, k));
  const pool = candidates.length < k ? everyIndex(vector.length) : candidates;
  let { threshold, tied } = kthLargest(vector, pool, k);
  let at = 0;
  for (let i = 0; i < pool.length && at < k; i++) {
    const size = Math.abs(vector[pool[i]!]!);
    if (size > threshold || (size === threshold && tied-- > 0)) indices[at++] = pool[i]!;
  }
  return indices;
}

/**
 * The upper 31 bits of an absolute value as an integer, for a place of `words`: bits of absolute floats are in the order of
 * their values.
 */
const SIZE_BITS = 0x7fffffff;

/** The vector as 32-bit words, and how many there are to a value; the upper one comes last. */
export function wordsOf(vector: Vector): { readonly words: Int32Array; readonly width: 1 | 2 } {
  const width = vector instanceof Float32Array ? 1 : 2;
  return { words: new Int32Array(vector.buffer, vector.byteOffset, width * vector.length), width };
}

/** Size bits that somewhat more than k entries should reach; 0 where a sample does not tell. */
function guess(vector: Vector, k: number): number {
  const n = vector.length;
  const step = Math.floor(n / SAMPLE);
  if (step < 2) return 0;
  const { words, width } = wordsOf(vector);
  const sample = new Int32Array(SAMPLE);
  for (let s = 0; s < SAMPLE; s++) {
    const i = s * step + ((Math.imul(s, 0x9e3779b1) >>> 16) % step); // no place in the layout is preferred
    sample[s] = words[width * i + width - 1]! & SIZE_BITS;
  }
  sample.sort();
  const expected = (k * SAMPLE) / n;
  const safe = Math.ceil(expected + 4 * Math.sqrt(expected) + 4);
  return safe > SAMPLE ? 0 : sample[SAMPLE - safe]!;
}

/** Indices of the entries whose size bits are at least `bound`, ascending. */
function atLeast(vector: Vector, bound: number): Uint32Array {
  const n = vector.length;
  if (bound === 0) return everyIndex(n);
  const kernels = kernelsFor(vector);
  if (kernels !== undefined) return atLeastByKernels(kernels, vector, bound);
  const found = new Uint32Array(n);
  const { words, width } = wordsOf(vector);
  const below = bound - 1;
  const whole = n - (n % 4);
  let at = 0;
  // Without branches: each index is written, and stays where its difference is negative.
  for (let i = 0, w = width - 1; i < whole; i += 4, w += 4 * width) {
    const a = below - (words[w]! & SIZE_BITS);
    const b = below - (words[w + width]! & SIZE_BITS);
    const c = below - (words[w + 2 * width]! & SIZE_BITS);
    const d = below - (words[w + 3 * width]! & SIZE_BITS);
    if ((a | b | c | d) >= 0) continue;
    found[at] = i;
    at += a >>> 31;
    found[at] = i + 1;
    at += b >>> 31;
    found[at] = i + 2;
    at += c >>> 31;
    found[at] = i + 3;
    at += d >>> 31;
  }
  for (let i = whole; i < n; i++) if ((words[width * i + width - 1]! & SIZE_BITS) >= bound) found[at++] = i;
  return found.subarray(0, at);
}

/** The same by kernels, in an array that grows: mostly a small share of the entries is found. */
function atLeastByKernels(kernels: CodecKernels, vector: Vector, bound: number): Uint32Array {
  let found = new Uint32Array(CHUNK + (vector.length >>> 4));
  let count = 0;
  for (let begin = 0; begin < vector.length; begin += CHUNK) {
    const part = vector.subarray(begin, begin + CHUNK);
    putValues(kernels, part);
    kernels.atLeast(4 * part.length, bound);
    const places = placesFound(kernels, part.length);
    if (count + places.length > found.length) {
      const larger = new Uint32Array(2 * found.length);
      larger.set(found);
      found = larger;
    }
    for (let k = 0; k < places.length; k++) found[count++] = begin + places[k]!;
  }
  return found.subarray(0, count);
}

/** The k-th largest absolute value, and how many of those equal to it are among the k largest. */
interface Threshold {
  readonly threshold: number;
  readonly tied: number;
}

function sortedThreshold(vector: Vector, pool: Uint32Array, k: number): Threshold {
  const sizes = new Float64Array(pool.length);
  for (let i = 0; i < pool.length; i++) sizes[i] = Math.abs(vector[pool[i]!]!);
  sizes.sort();
  const threshold = sizes[sizes.length - k]!;
  let above = 0;
  while (above < k && sizes[sizes.length - 1 - above]! > threshold) above++;
  return { threshold, tied: k - above };
}

/**
 * The k-th largest absolute value among the entries of `pool`, and how many of those equal to it are among the k: by counts
 * of 16 bits at a time, from the highest on.
 */
function kthLargest(vector: Vector, pool: Uint32Array, k: number): Threshold {
  if (pool.length <= SORTED) return sortedThreshold(vector, pool, k);
  const width = vector instanceof Float32Array ? 2 : 4;
  const halves = new Uint16Array(vector.buffer, vector.byteOffset, width * vector.length);
  let equal = pool;
  let tied = k;
  for (let digit = width - 1; digit >= 0; digit--) {
    const mask = digit === width - 1 ? 0x7fff : 0xffff;
    const counts = new Uint32Array(mask + 1);
    for (let i = 0; i < equal.length; i++) counts[halves[width * equal[i]! + digit]! & mask]!++;
    let value = mask;
    while (counts[value]! < tied) tied -= counts[value--]!;
    const kept = new Uint32Array(counts[value]!);
    for (let i = 0, at = 0; i < equal.length; i++) {
      if ((halves[width * equal[i]! + digit]! & mask) === value) kept[at++] = equal[i]!;
    }
    equal = kept;
  }
  return { threshold: Math.abs(vector[equal[0]!]!), tied };
}

function everyIndex(n: number): Uint32Array<ArrayBuffer> {
  const indices = new Uint32Array(n);
  for (let i = 0; i < n; i++) indices[i] = i;
  return indices;
}
