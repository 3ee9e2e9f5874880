/**
 * Updates that attackers send instead of their own. Each attack takes the honest updates of a round, x_1 .. x_h, with mean mu
 * and sample deviation sigma (divisor h - 1), and gives the one vector that all attackers send. All of it is float64.
 *
 * Sign flip: -s mu. IPM (Xie, Koyejo, Gupta, UAI 2019, arXiv 1903.03936): -epsilon mu. ALIE (Baruch et al., NeurIPS 2019,
 * arXiv 1902.06635): mu + sign z sigma. Min-Max, Min-Sum (Shejwalkar, Houmansadr, NDSS 2021): mu + gamma p with the largest
 * gamma that stays within the spread of the honest updates.
 */
import { dot, type Vector } from "../params/index.ts";
import { deviationOf, meanOf, moved, squaredDistance, unit } from "./statistics.ts";

/** Directions of Min-Max and Min-Sum: -sigma, -mu/|mu| or -sign(mu). */
export const directions = ["std", "unit", "sign"] as const;
export type Direction = (typeof directions)[number];

/** The vector that every attacker sends, and the factor that was chosen for it. */
export interface CraftedUpdate {
  readonly vector: Float64Array;
  readonly factor: number;
}

/**
 * -scale times a vector: the mean of the honest updates, or the attacker's own update. IPM is the same formula.
 *
 * @example signFlip(meanOf(honest), 4)
 */
export function signFlip(update: Vector, scale: number): Float64Array {
  return Float64Array.from(update, (value) => -scale * value);
}

/** mu + sign z sigma. @param sign -1 or 1 */
export function alie(honest: readonly Vector[], z: number, sign: number): Float64Array {
  const mean = meanOf(honest);
  return moved(mean, sign * z, deviationOf(honest, mean));
}

/** Min-Max: max_i |m - x_i| is at most the largest distance between two honest updates. The closed form of gamma. */
export function minMax(honest: readonly Vector[], direction: Direction): CraftedUpdate {
  const { mean, along } = startOf(honest, direction);
  let diameter = 0;
  for (const [i, x] of honest.entries())
    for (const y of honest.slice(0, i)) diameter = Math.max(diameter, squaredDistance(x, y));
  const a = dot(along, along);
  let factor = Number.POSITIVE_INFINITY;
  for (const x of honest) {
    const offset = moved(mean, -1, x);
    const b = dot(along, offset);
    const c = dot(offset, offset) - diameter;
    factor = Math.min(factor, (-b + Math.sqrt(Math.max(0, b * b - a * c))) / a);
  }
  return crafted(mean, a > 0 ? Math.max(0, factor) : 0, along);
}

/** Min-Sum: sum_i |m - x_i|^2 is at most the least such sum of an honest update. */
export function minSum(honest: readonly Vector[], direction: Direction): CraftedUpdate {
  const { mean, along } = startOf(honest, direction);
  let least = Number.POSITIVE_INFINITY;
  for (const x of honest) least = Math.min(least, sumOfDistances(x, honest));
  const a = honest.length * dot(along, along);
  const room = Math.max(0, least - sumOfDistances(mean, honest));
  return crafted(mean, a > 0 ? Math.sqrt(room / a) : 0, along);
}

function startOf(honest: readonly Vector[], direction: Direction) {
  const mean = meanOf(honest);
  if (direction === "std") return { mean, along: signFlip(deviationOf(honest, mean), 1) };
  return { mean, along: signFlip(direction === "unit" ? unit(mean) : mean.map(Math.sign), 1) };
}

function sumOfDistances(vector: Vector, honest: readonly Vector[]): number {
  return honest.reduce((sum, x) => sum + squaredDistance(vector, x), 0);
}

function crafted(mean: Float64Array, factor: number, along: Float64Array): CraftedUpdate {
  return { vector: moved(mean, factor, along), factor };
}
