/**
 * Centred clipping: each update pulls the last aggregate by a bounded amount.
 *
 * Citation: S. P. Karimireddy, L. He, M. Jaggi. "Learning from History for Byzantine Robust Optimization". ICML 2021,
 * arXiv:2012.10333. The self-centred form: L. He, S. P. Karimireddy, M. Jaggi. "Byzantine-Robust Decentralized Learning via
 * ClippedGossip". 2022, arXiv:2202.01545.
 *
 * Rule: v = the aggregate of the last round (0 in the first); L times v = v + (1/n) sum (x_i - v) min(1, tau / |x_i - v|).
 * State: v on the server. |v' - v| is at most L tau.
 */
import type { Vector } from "../../params/vector.ts";
import { accumulate } from "../kernel.ts";
import { squaredGap } from "./distances.ts";
import { over, type Passes, type UpdateSet } from "./passes.ts";

export function* centredClipping(
  set: UpdateSet,
  previous: Vector | undefined,
  radius: number,
  iterations = 1,
): Passes<Float64Array<ArrayBuffer>> {
  const centre = previous === undefined ? new Float64Array(set.size) : Float64Array.from(previous);
  let distances = new Float64Array(set.count);
  yield* over(set, (block, begin) => addGaps(distances, block, centre, begin));
  for (let iteration = 1; iteration <= iterations; iteration++) {
    const shares = distances.map((square) => clipFactor(Math.sqrt(square), radius) / set.count);
    const next = new Float64Array(set.count);
    const last = iteration === iterations;
    yield* over(set, (block, begin) => {
      pull(centre.subarray(begin, begin + block[0]!.length), block, shares);
      if (!last) addGaps(next, block, centre, begin);
    });
    distances = next;
  }
  return centre;
}

/**
 * The self-centred form, for one node: own + sum of weights[j] * clip(others[j] - own, radius).
 *
 *
 * @example
 * ```ts
 * import { selfCentredClipping } from "@anabranch/core";
 * const own = Float32Array.of(0);
 * selfCentredClipping(own, [Float32Array.of(1), Float32Array.of(100)], [0.5, 0.5], 1); // => [1]
 * ```
 */
export function selfCentredClipping(
  own: Vector,
  others: readonly Vector[],
  weights: readonly number[],
  radius: number,
): Float64Array<ArrayBuffer> {
  const out = Float64Array.from(own);
  for (const [j, other] of others.entries()) {
    const factor = weights[j]! * clipFactor(Math.sqrt(squaredGap(other, own)), radius);
    for (let i = 0; i < out.length; i++) out[i] = out[i]! + factor * (other[i]! - own[i]!);
  }
  return out;
}

/** min(1, bound / norm); 1 for a vector of zeros. */
export function clipFactor(norm: number, bound: number): number {
  return norm <= bound ? 1 : bound / norm;
}

function addGaps(squares: Float64Array, block: readonly Vector[], centre: Float64Array, begin: number): void {
  const part = centre.subarray(begin, begin + block[0]!.length);
  for (const [i, vector] of block.entries()) squares[i]! += squaredGap(vector, part);
}

/** centre += sum of shares[i] * (block[i] - centre). */
function pull(centre: Float64Array, block: readonly Vector[], shares: Float64Array): void {
  const rest = 1 - shares.reduce((sum, share) => sum + share, 0);
  for (let i = 0; i < centre.length; i++) centre[i] = centre[i]! * rest;
  accumulate(centre, block, [...shares], 0, centre.length);
}
