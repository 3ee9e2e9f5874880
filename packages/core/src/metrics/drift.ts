import { norm2, type Vector } from "../params/vector.ts";

/** A running measure of the vectors that are folded, in O(1) memory. */
export interface Meter<T> {
  /** @param factors multiply the vectors as they are folded; absent: 1 each */
  add(vectors: readonly Vector[], weights: readonly number[], factors?: readonly number[]): void;
  /** Forgets what was added. */
  reset(): void;
  /** The measure, given the aggregate of what was added. */
  of(aggregate: Vector): T;
}

/** How far the vectors of a cohort part. */
export interface Drift {
  /** (1/S) sum_i |u_i - mean u|^2, the preconditioner drift of FedPAC (arXiv:2602.19271). */
  readonly absolute: number;
  /** The same over |mean u|^2. */
  readonly relative: number;
}

/** The drift from the uniform mean: (1/S) sum_i |u_i|^2 - |mean u|^2. */
export class DriftMeter implements Meter<Drift> {
  readonly #square: (vector: Vector) => number;
  #squares = 0;
  #count = 0;

  /** @param square squared norm of a vector; default: the Euclidean one */
  constructor(square: (vector: Vector) => number = (vector) => norm2(vector) ** 2) {
    this.#square = square;
  }

  add(vectors: readonly Vector[], _weights?: readonly number[], factors?: readonly number[]): void {
    for (const [k, vector] of vectors.entries()) this.#squares += (factors?.[k] ?? 1) ** 2 * this.#square(vector);
    this.#count += vectors.length;
  }

  reset(): void {
    this.#squares = 0;
    this.#count = 0;
  }

  /** Given the uniform mean of what was added. Rounding of the mean cannot make it negative. */
  of(mean: Vector): Drift {
    const size = this.#square(mean);
    const absolute = Math.max(0, this.#squares / this.#count - size);
    return { absolute, relative: size === 0 ? 0 : absolute / size };
  }
}
