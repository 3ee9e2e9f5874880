import { fillWords } from "./fill-words.ts";
import { type RandomKey, STREAM_DOMAIN } from "./key.ts";
import { type RandomStream, WordStream } from "./word-stream.ts";

/** Words fetched at once by the scalar methods. Even: a block is two words. */
const BUFFER_WORDS = 16;

class ThreefryStream extends WordStream {
  readonly #key: RandomKey;
  readonly #buffer = new Uint32Array(BUFFER_WORDS);
  #next = BUFFER_WORDS;
  /** Blocks generated so far; exact to 2^53. */
  #blocks = 0;

  constructor(key: RandomKey) {
    super();
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

  #refill(): void {
    this.#generate(this.#buffer, 0, BUFFER_WORDS);
    this.#next = 0;
  }

  #generate(out: Uint32Array, from: number, to: number): void {
    fillWords(out, from, to, this.#key, this.#blocks >>> 0, this.#counterHigh());
    this.#blocks += (to - from) / 2;
  }

  #counterHigh(): number {
    return STREAM_DOMAIN + Math.floor(this.#blocks / 2 ** 32);
  }
}

/**
 * The stream of a key. Two streams of one key give the same sequence: derive a key for each use.
 *
 * @example
 * ```ts
 * import { deriveKey, randomStream, rootKey } from "@anabranch/core";
 * const stream = randomStream(deriveKey(rootKey(1), "example"));
 * stream.below(10); // => 8
 * stream.below(10); // => 8
 * ```
 */
export function randomStream(key: RandomKey): RandomStream {
  return new ThreefryStream(key);
}
