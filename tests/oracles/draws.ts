/**
 * Random numbers that everyone draws alike. Threefry-2x32 with 20 rounds: J. K. Salmon et al., SC 2011, in a loop over its
 * rounds; names are hashed by FNV-1a. A key has two words; a stream counts its blocks from (0, 2^30).
 */
import type { Vector } from "./plain.ts";

type Words = readonly [number, number];

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24];

/** The two words of a block. */
export function threefry([k0, k1]: Words, [c0, c1]: Words): Words {
  const schedule = [k0, k1, k0 ^ k1 ^ 0x1bd11bda];
  let x = (c0 + k0) | 0;
  let y = (c1 + k1) | 0;
  for (let r = 0; r < 20; r++) {
    const by = ROTATIONS[r % 8]!;
    x = (x + y) | 0;
    y = ((y << by) | (y >>> (32 - by))) ^ x;
    if (r % 4 < 3) continue;
    const turn = (r + 1) / 4;
    x = (x + schedule[turn % 3]!) | 0;
    y = (y + schedule[(turn + 1) % 3]! + turn) | 0;
  }
  return [x >>> 0, y >>> 0];
}

/** The key at the end of a path of names and numbers below 2^32, from that of a seed. */
export function keyOf(seed: number, ...path: readonly (string | number)[]): Words {
  let key: Words = [seed, 0];
  for (const part of path) key = threefry(key, typeof part === "number" ? [part, 0] : hashed(part));
  return key;
}

/** Two lanes of FNV-1a; names have the top bit of the second. */
function hashed(name: string): Words {
  let [low, high] = [2_166_136_261, 2_128_831_034];
  for (const letter of name) {
    const code = letter.charCodeAt(0);
    low = Math.imul(low ^ code, 16_777_619) >>> 0;
    high = Math.imul(high ^ code ^ (low >>> 16), 16_777_619) >>> 0;
  }
  return [low, (high | 0x80000000) >>> 0];
}

/** The words of a key, one after the other. */
export function wordsOf(key: Words): () => number {
  let next = 0;
  return () => threefry(key, [next >>> 1, 2 ** 30])[next++ % 2]!;
}

/** A number from 0 to n - 1; words that would favour some are left out. */
export function below(word: () => number, n: number): number {
  for (;;) {
    const drawn = word();
    if (drawn < 2 ** 32 - (2 ** 32 % n)) return drawn % n;
  }
}

/** A number in [0, 1) of 53 bits. */
export function fraction(word: () => number): number {
  const high = Math.floor(word() / 32);
  return (high * 2 ** 26 + Math.floor(word() / 64)) / 2 ** 53;
}

/**
 * The direction of a path under a public seed, [d]. rademacher: a sign for each bit; binomial: (ones among 64 bits - 32) / 4;
 * uniform: (2 h - 65535) / 65536 for each half word h. Lowest bits come first.
 */
export function direction(family: string, seed: number, path: readonly number[], d: number): Vector {
  const word = wordsOf(keyOf(seed, "direction", ...path));
  const bits = () => {
    const drawn = word();
    return Array.from({ length: 32 }, (_, i) => (drawn >>> i) & 1);
  };
  const perWord = { rademacher: 32, binomial: 0.5, uniform: 2 }[family]!;
  const all = Array.from({ length: Math.ceil(d / perWord) }, bits).flat();
  return Array.from({ length: d }, (_, j) => {
    if (family === "rademacher") return all[j] === 1 ? 1 : -1;
    if (family === "binomial") return (all.slice(64 * j, 64 * j + 64).filter((bit) => bit === 1).length - 32) / 4;
    const half = all.slice(16 * j, 16 * j + 16).reduce((sum, bit, i) => sum + bit * 2 ** i, 0);
    return (2 * half - 65_535) / 65_536;
  });
}
