import { AnabranchError } from "@anabranch/engine";
import type { RandomStream } from "../../random/index.ts";

/** A redraw is needed with probability at most bias, 0.61 by default: this many fail with probability 1e-55. */
const MOST_DRAWS = 256;

/** Random words fetched at once. */
const CHUNK = 4096;

/**
 * The largest 2-norm after rounding of a vector of 2-norm `norm` in `size` coordinates of which unlikely outcomes are
 * drawn again:
 *
 *   min{ norm + sqrt(d), sqrt(norm^2 + d / 4 + sqrt(2 ln(1 / beta)) (norm + sqrt(d) / 2)) }
 *
 * arXiv:2102.06387, Theorem 1 (equation 2) and Proposition 22, in units of the grid.
 *
 * @param bias beta, in [0, 1); 0 takes every outcome
 */
export function roundedNorm(norm: number, size: number, bias: number): number {
  const root = Math.sqrt(size);
  if (bias === 0) return norm + root;
  const deviation = Math.sqrt(-2 * Math.log(bias)) * (norm + root / 2);
  return Math.min(norm + root, Math.sqrt(norm * norm + size / 4 + deviation));
}

/**
 * Rounds every coordinate up or down at random, so that its mean stays the same (to 2^-32), again and again until the
 * 2-norm of all is at most `bound`: what the noise is made for then holds for every outcome. Leaving out outcomes moves
 * the mean by at most beta sqrt(d) / (1 - beta) in 2-norm, by far less for vectors shorter than the bound was made for.
 *
 * @param values [d]
 * @param bound from `roundedNorm`
 * @returns [d] whole numbers
 * @throws `privacy/rounding` after 256 draws: the vector is longer than the bound was made for
 */
export function roundConditionally(values: Float64Array, bound: number, stream: RandomStream): Float64Array {
  const rounded = new Float64Array(values.length);
  const words = new Uint32Array(Math.min(CHUNK, values.length));
  for (let draw = 0; draw < MOST_DRAWS; draw++) {
    if (roundOnce(values, rounded, words, stream) <= bound * bound) return rounded;
  }
  throw new AnabranchError({
    code: "privacy/rounding",
    message: "a vector stays too long however it is rounded",
    received: `${MOST_DRAWS} draws, all longer than ${bound} steps of the grid`,
    expected: "a vector within the norm that the bound was made for",
  });
}

/** One draw into `rounded`; returns its squared 2-norm. */
function roundOnce(values: Float64Array, rounded: Float64Array, words: Uint32Array, stream: RandomStream): number {
  let squared = 0;
  for (let from = 0; from < values.length; from += CHUNK) {
    const chunk = words.subarray(0, Math.min(CHUNK, values.length - from));
    stream.uint32s(chunk);
    for (let i = 0; i < chunk.length; i++) {
      const value = values[from + i]!;
      const down = Math.floor(value);
      const whole = chunk[i]! < (value - down) * 2 ** 32 ? down + 1 : down;
      rounded[from + i] = whole;
      squared += whole * whole;
    }
  }
  return squared;
}
