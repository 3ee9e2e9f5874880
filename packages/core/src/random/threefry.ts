/**
 * Threefry-2x32 with 20 rounds, a counter-based generator: output = bijection of the counter under the key.
 *
 * J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.
 * The published known-answer vectors (Random123, kat_vectors) are in the test.
 */

/** Parity constant of the Threefish key schedule for 32-bit words. */
const PARITY = 0x1bd11bda;

/**
 * Fills `out` with consecutive blocks of two words, starting at counter (`counterLow`, `counterHigh`). The low
 * counter word carries into the high one. Allocates nothing.
 *
 * @param out [words], an even number of them between `from` and `to`
 */
export function fillThreefry(
  out: Uint32Array,
  from: number,
  to: number,
  key0: number,
  key1: number,
  counterLow: number,
  counterHigh: number,
): void {
  const k0 = key0 | 0;
  const k1 = key1 | 0;
  const k2 = k0 ^ k1 ^ PARITY;
  let low = counterLow | 0;
  let high = counterHigh | 0;
  for (let at = from; at < to; at += 2) {
    let x = (low + k0) | 0;
    let y = (high + k1) | 0;
    // Rounds 1-4, rotations 13 15 26 6; then the key schedule adds (k1, k2 + 1).
    x = (x + y) | 0;
    y = ((y << 13) | (y >>> 19)) ^ x;
    x = (x + y) | 0;
    y = ((y << 15) | (y >>> 17)) ^ x;
    x = (x + y) | 0;
    y = ((y << 26) | (y >>> 6)) ^ x;
    x = (x + y) | 0;
    y = ((y << 6) | (y >>> 26)) ^ x;
    x = (x + k1) | 0;
    y = (y + k2 + 1) | 0;
    // Rounds 5-8, rotations 17 29 16 24; then (k2, k0 + 2).
    x = (x + y) | 0;
    y = ((y << 17) | (y >>> 15)) ^ x;
    x = (x + y) | 0;
    y = ((y << 29) | (y >>> 3)) ^ x;
    x = (x + y) | 0;
    y = ((y << 16) | (y >>> 16)) ^ x;
    x = (x + y) | 0;
    y = ((y << 24) | (y >>> 8)) ^ x;
    x = (x + k2) | 0;
    y = (y + k0 + 2) | 0;
    // Rounds 9-12; then (k0, k1 + 3).
    x = (x + y) | 0;
    y = ((y << 13) | (y >>> 19)) ^ x;
    x = (x + y) | 0;
    y = ((y << 15) | (y >>> 17)) ^ x;
    x = (x + y) | 0;
    y = ((y << 26) | (y >>> 6)) ^ x;
    x = (x + y) | 0;
    y = ((y << 6) | (y >>> 26)) ^ x;
    x = (x + k0) | 0;
    y = (y + k1 + 3) | 0;
    // Rounds 13-16; then (k1, k2 + 4).
    x = (x + y) | 0;
    y = ((y << 17) | (y >>> 15)) ^ x;
    x = (x + y) | 0;
    y = ((y << 29) | (y >>> 3)) ^ x;
    x = (x + y) | 0;
    y = ((y << 16) | (y >>> 16)) ^ x;
    x = (x + y) | 0;
    y = ((y << 24) | (y >>> 8)) ^ x;
    x = (x + k1) | 0;
    y = (y + k2 + 4) | 0;
    // Rounds 17-20; then (k2, k0 + 5).
    x = (x + y) | 0;
    y = ((y << 13) | (y >>> 19)) ^ x;
    x = (x + y) | 0;
    y = ((y << 15) | (y >>> 17)) ^ x;
    x = (x + y) | 0;
    y = ((y << 26) | (y >>> 6)) ^ x;
    x = (x + y) | 0;
    y = ((y << 6) | (y >>> 26)) ^ x;
    out[at] = x + k2;
    out[at + 1] = y + k0 + 5;
    low = (low + 1) | 0;
    if (low === 0) high = (high + 1) | 0;
  }
}

/**
 * One block: the two output words for one (key, counter).
 *
 * @example
 * ```ts
 * import { threefry2x32 } from "@anabranch/core";
 * threefry2x32([0, 0], [0, 0]); // => [1797259609, 2579123966]
 * ```
 */
export function threefry2x32(
  key: readonly [number, number],
  counter: readonly [number, number],
): readonly [number, number] {
  const block = new Uint32Array(2);
  fillThreefry(block, 0, 2, key[0], key[1], counter[0], counter[1]);
  return [block[0]!, block[1]!];
}
