import { AnabranchError } from "@anabranch/engine";
import { gamma, normal } from "./distributions.ts";
import { type RandomKey, STREAM_DOMAIN } from "./key.ts";
import { fillThreefry } from "./threefry.ts";

/** A sequence of random words that depends on its key alone. How the words are fetched does not change the sequence. */
export interface RandomStream {
  /** Uniform over [0, 2^32). */
  uint32(): number;
  /** The next `out.length` words of the sequence. */
  uint32s(out: Uint32Array): void;
  /** Uniform over [0, n), exactly (by rejection); `n` in [1, 2^32]. */
  below(n: number): number;
  /** Uniform over [0, 1) in steps of 2^-53, by integer operations and one exact scaling. */
  float(): number;
  /** Standard normal. Uses Math.log, which differs between JavaScript engines: for server-side use only. */
  normal(): number;
  /** Gamma(shape, scale 1), shape > 0. Server-side only, as `normal`. */
  gamma(shape: number): number;
}

type Words = Pick<RandomStream, "uint32">;

/** `RandomStream.below` from single words. Throws `random/below`. */
export function below(words: Words, n: number): number {
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
  let word = words.uint32();
  while (word >= limit) word = words.uint32();
  return word % n;
}

/** `RandomStream.float` from single words. */
export function float(words: Words): number {
  const high = words.uint32() >>> 5;
  const low = words.uint32() >>> 6;
  return (high * 2 ** 26 + low) / 2 ** 53;
}

/** Words fetched at once by the scalar methods. Even: a block is two words. */
const BUFFER_WORDS = 16;

class ThreefryStream implements RandomStream {
  readonly #key: RandomKey;
  readonly #buffer = new Uint32Array(BUFFER_WORDS);
  #next = BUFFER_WORDS;
  /** Blocks generated so far; exact to 2^53. */
  #blocks = 0;

  constructor(key: RandomKey) {
    this.#key = key;
  }

  uint32(): number {
    if (this.#next === BUFFER_WORDS) this.#refill();
    return this.#buffer[this.#next++]!;
  }

  uint32s(out: Uint32Array): void {
    let filled = 0;
    while (filled < out.length && this.#next < BUFFER_WORDS) out[filled++] = this.#buffer[this.#next++]!;
    const whole = filled + Math.floor((out.length - filled) / 2) * 2;
    if (whole > filled) this.#generate(out, filled, whole);
    if (whole < out.length) out[whole] = this.uint32();
  }

  below(n: number): number {
    return below(this, n);
  }

  float(): number {
    return float(this);
  }

  normal(): number {
    return normal(this);
  }

  gamma(shape: number): number {
    return gamma(this, shape);
  }

  #refill(): void {
    this.#generate(this.#buffer, 0, BUFFER_WORDS);
    this.#next = 0;
  }

  #generate(out: Uint32Array, from: number, to: number): void {
    const high = STREAM_DOMAIN + Math.floor(this.#blocks / 2 ** 32);
    fillThreefry(out, from, to, this.#key[0], this.#key[1], this.#blocks >>> 0, high);
    this.#blocks += (to - from) / 2;
  }
}

/** The stream of a key. Two streams of one key give the same sequence: derive a key for each use. */
export function randomStream(key: RandomKey): RandomStream {
  return new ThreefryStream(key);
}
