import { norm2, type Vector } from "../params/vector.ts";

/** How far the vectors of a cohort part. */
export interface Drift {
  /** (1/S) sum_i |u_i - mean u|^2, the preconditioner drift of FedPAC (arXiv:2602.19271). */
  readonly absolute: number;
  /** The same over |mean u|^2. */
  readonly relative: number;
}

/** A running measure of drift in O(1) memory: (1/S) sum_i |u_i|^2 - |mean u|^2. */
export class DriftMeter {
  #squares = 0;
  #count = 0;

  add(vectors: readonly Vector[]): void {
    for (const vector of vectors) this.#squares += norm2(vector) ** 2;
    this.#count += vectors.length;
  }

  reset(): void {
    this.#squares = 0;
    this.#count = 0;
  }

  /** Given the uniform mean of what was added. Rounding of the mean cannot make it negative. */
  around(mean: Vector): Drift {
    const size = norm2(mean) ** 2;
    const absolute = Math.max(0, this.#squares / this.#count - size);
    return { absolute, relative: size === 0 ? 0 : absolute / size };
  }
}
