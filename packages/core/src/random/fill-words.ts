import type { RandomKey } from "./key.ts";
import { NUMBERS, type SimdKernels, simdKernels } from "./simd-kernels.ts";
import { fillThreefry } from "./threefry.ts";

/** Words of one call of a kernel. */
const CHUNK = NUMBERS / 4;
/** Shorter stretches are not worth the way through the memory of the kernels. */
const FEWEST = 256;
/** Words after which a process has its kernels compiled: few draws cost less than that. */
const COMPILED_AFTER = 2 ** 18;

let drawn = 0;

/**
 * The blocks of a key from a counter on, as `fillThreefry` writes them, and as fast as the platform can.
 *
 * @param out [words], an even number of them between `from` and `to`
 */
export function fillWords(
  out: Uint32Array,
  from: number,
  to: number,
  key: RandomKey,
  counterLow: number,
  counterHigh: number,
): void {
  const kernels = kernelsFor(to - from);
  const wraps = counterLow + (to - from) / 2 > 2 ** 32;
  if (kernels === undefined || wraps) {
    fillThreefry(out, from, to, key[0], key[1], counterLow, counterHigh);
    return;
  }
  const words = new Uint32Array(kernels.memory.buffer, 0, CHUNK);
  for (let at = from; at < to; at += CHUNK) {
    const length = Math.min(CHUNK, to - at);
    kernels.threefry(key[0], key[1], counterLow + (at - from) / 2, counterHigh, 4 * length);
    out.set(length === CHUNK ? words : words.subarray(0, length), at);
  }
}

/** The kernels where so many words are worth them. */
export function kernelsFor(words: number): SimdKernels | undefined {
  drawn += words;
  return words < FEWEST || drawn < COMPILED_AFTER ? undefined : simdKernels();
}
