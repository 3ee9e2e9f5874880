import { type RandomStream, WordStream } from "./word-stream.ts";

/** Words fetched at once; getRandomValues gives 65,536 bytes at most. */
const BUFFER_WORDS = 1024;

/** Random words from the system's secure generator (WebCrypto): what privacy in live runs rests on. Never repeatable. */
class SecureStream extends WordStream {
  readonly #buffer = new Uint32Array(BUFFER_WORDS);
  #next = BUFFER_WORDS;

  uint32(): number {
    if (this.#next === BUFFER_WORDS) {
      crypto.getRandomValues(this.#buffer);
      this.#next = 0;
    }
    return this.#buffer[this.#next++]!;
  }

  uint32s(out: Uint32Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.uint32();
  }
}

/**
 * A stream from the system's secure generator.
 *
 * @example
 * ```ts
 * import { secureStream } from "@anabranch/core";
 * const word = secureStream().uint32(); // from the operating system, never repeatable
 * word >= 0 && word < 2 ** 32; // => true
 * ```
 */
export function secureStream(): RandomStream {
  return new SecureStream();
}
