import type { Vector } from "../../params/index.ts";
import { type RandomKey, randomStream } from "../../random/index.ts";

/**
 * The smallest power of two that is at least `size`: Walsh-Hadamard matrices are used at these sizes.
 *
 * @example
 * ```ts
 * import { paddedSize } from "@anabranch/core";
 * paddedSize(100); // => 128
 * ```
 */
export function paddedSize(size: number): number {
  let padded = 1;
  while (padded < size) padded *= 2;
  return padded;
}

/**
 * H D x: signs from the key, then the orthonormal Walsh-Hadamard matrix, on x padded with zeros. Norms stay the same, and
 * with random signs every coordinate is subgaussian with variance |x|^2 / paddedSize, however x is spread (P. Kairouz,
 * Z. Liu, T. Steinke, "The Distributed Discrete Gaussian Mechanism for Federated Learning with Secure Aggregation",
 * ICML 2021, arXiv:2102.06387, Section 4). Additions and multiplications alone: the same bits in every engine.
 *
 * @param vector x, [size]; not changed
 * @param key public, and the same for all whose vectors are added
 * @returns [paddedSize(size)]
 */
export function rotate(vector: Vector, key: RandomKey): Float64Array {
  const rotated = new Float64Array(paddedSize(vector.length));
  rotated.set(vector);
  flipSigns(rotated, key);
  hadamard(rotated);
  return rotated;
}

/** D H y, the inverse of `rotate`, in place, [paddedSize]. The padding comes back at the end. */
export function rotateBack(rotated: Float64Array, key: RandomKey): void {
  hadamard(rotated);
  flipSigns(rotated, key);
}

/** One random bit a coordinate, 32 of a word. */
function flipSigns(values: Float64Array, key: RandomKey): void {
  const words = new Uint32Array(Math.ceil(values.length / 32));
  randomStream(key).uint32s(words);
  for (let i = 0; i < values.length; i++) if ((words[i >>> 5]! >>> (i & 31)) & 1) values[i] = -values[i]!;
}

/** Blocks of this many doubles stay in the cache nearest to a core while all their steps are done. */
const BLOCK = 2048;

/** The orthonormal Walsh-Hadamard matrix, which is its own inverse, by butterflies in place: O(d log d). */
function hadamard(values: Float64Array): void {
  const size = values.length;
  const block = Math.min(BLOCK, size);
  for (let from = 0; from < size; from += block) {
    for (let half = 1; half < block; half *= 2) butterflies(values, from, from + block, half);
  }
  for (let half = block; half < size; half *= 2) butterflies(values, 0, size, half);
  const scale = 1 / Math.sqrt(size);
  for (let i = 0; i < size; i++) values[i] = values[i]! * scale;
}

/** (a, b) becomes (a + b, a - b) for all pairs of `from` to `to` that lie `half` apart. */
function butterflies(values: Float64Array, from: number, to: number, half: number): void {
  for (let start = from; start < to; start += 2 * half) {
    for (let i = start; i < start + half; i++) {
      const a = values[i]!;
      const b = values[i + half]!;
      values[i] = a + b;
      values[i + half] = a - b;
    }
  }
}
