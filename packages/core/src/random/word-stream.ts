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
  /** Standard normal. Uses Math.log, which differs between JavaScript engines: for server-side use only. */
  normal(): number;
  /** Gamma(shape, scale 1), shape > 0. Server-side only, as `normal`. */
  gamma(shape: number): number;
}

/** What single words come to, wherever they are from. */
export abstract class WordStream implements RandomStream {
  abstract uint32(): number;
  abstract uint32s(out: Uint32Array): void;

  below(n: number): number {
    if (!(Number.isInteger(n) && n >= 1 && n <= 2 ** 32)) {
      throw new AnabranchError({
        code: "random/below",
        message: "cannot draw an integer below this bound",
        received: String(n),
        expected: "an integer from 1 to 2^32",
      });
    }
    // Words from the last, incomplete run of n values are thrown away: what stays is exactly uniform.
    const limit = 2 ** 32 - (2 ** 32 % n);
    let word = this.uint32();
    while (word >= limit) word = this.uint32();
    return word % n;
  }

  float(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  normal(): number {
    return normal(this);
  }

  gamma(shape: number): number {
    return gamma(this, shape);
  }
}
