import { readerLimits, requireAtMost } from "./limits.ts";

/** A float32 vector that is filled without knowing its length. */
export class GrowingFloats {
  readonly #where: string;
  #data: Float32Array;
  #length = 0;

  /**
   * @param where the file, for the error
   * @param capacity values that fit before it grows
   */
  constructor(where: string, capacity = 1024) {
    this.#where = where;
    this.#data = new Float32Array(capacity);
  }

  /** @throws `data/too-large` beyond the features that a data set may have */
  push(value: number): void {
    if (this.#length === this.#data.length) this.#grow();
    this.#data[this.#length++] = value;
  }

  /** The values, in memory of their own length. */
  finish(): Float32Array {
    return this.#data.slice(0, this.#length);
  }

  #grow(): void {
    const bytes = 2 * this.#data.byteLength;
    requireAtMost(readerLimits.featureBytes, bytes, "bytes of features", this.#where);
    const larger = new Float32Array(2 * this.#data.length);
    larger.set(this.#data);
    this.#data = larger;
  }
}
