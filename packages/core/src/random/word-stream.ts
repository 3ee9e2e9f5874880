import { AnabranchError } from "@anabranch/engine";
import { gamma, normal } from "./distributions.ts";

/**
 * A sequence of random words; a seeded one depends on its key alone, and how the words are fetched does not change it.
 */
export interface RandomStream {
  /** Uniform over [0, 2^32). */
  uint32(): number;
  /** The next `out.length` words of the sequence. */
  uint32s(out: Uint32Array): void;
  /** Uniform over [0, n), exactly (by rejection); `n` in [1, 2^32]. Throws `random/below`. */
  below(n: number): number;
  /** Uniform over [0, 1) in steps of 2^-53, by integer operations and one exact scaling. */
  float(): number;
  /** `below(n)` for every place of `out`, in order; n in [1, 2^32]. Throws `random/below`. */
  belows(out: Uint32Array, n: number): void;
  /** Standard normal. Uses Math.log, which differs between JavaScript engines: for server-side use only. */
  normal(): number;
  /** Gamma(shape, scale 1), shape > 0. Server-side only, as `normal`. */
  gamma(shape: number): number;
}

/** Words that are drawn at a time: 16 KB, stays in the first-level cache. */
const CHUNK = 4096;

/** What single words come to, wherever they are from. */
export abstract class WordStream implements RandomStream {
  abstract uint32(): number;
  abstract uint32s(out: Uint32Array): void;

  below(n: number): number {
    let word = this.uint32();
    if (word > 2 ** 32 - n || !Number.isInteger(n) || n < 1) {
      const limit = acceptedBelow(n);
      while (word >= limit) word = this.uint32();
    }
    return remainder(word, n);
  }

  float(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  belows(out: Uint32Array, n: number): void {
    const limit = acceptedBelow(n);
    const mask = (n & (n - 1)) === 0 ? n - 1 : 0; // n = 2^32 has the bits of 0
    const words = new Uint32Array(Math.min(CHUNK, out.length));
    for (let filled = 0; filled < out.length; ) {
      const drawn = words.subarray(0, Math.min(CHUNK, out.length - filled));
      this.uint32s(drawn);
      if (mask > 0) for (let i = 0; i < drawn.length; i++) out[filled++] = drawn[i]! & mask;
      else {
        for (let i = 0; i < drawn.length; i++) {
          const word = drawn[i]!;
          if (word < limit) out[filled++] = remainder(word, n);
        }
      }
    }
  }

  normal(): number {
    return normal(this);
  }

  gamma(shape: number): number {
    return gamma(this, shape);
  }
}

/** word % n for a word and n in [1, 2^32], exactly: the division rounds to no other integer, and `%` takes ten times as long. */
function remainder(word: number, n: number): number {
  return word - Math.floor(word / n) * n;
}

/**
 * Words below this bound are uniform over [0, n) by their remainder: those of the last, incomplete run of n are thrown away.
 * Throws `random/below`.
 */
function acceptedBelow(n: number): number {
  if (Number.isInteger(n) && n >= 1 && n <= 2 ** 32) return 2 ** 32 - (2 ** 32 % n);
  throw new AnabranchError({
    code: "random/below",
    message: "cannot draw an integer below this bound",
    received: String(n),
    expected: "an integer from 1 to 2^32",
  });
}
