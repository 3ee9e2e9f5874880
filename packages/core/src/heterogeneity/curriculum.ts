/** How the part of a client's examples that it may see grows. */
export type Pacing = "linear" | "polynomial" | "log" | "exponential" | "step" | "constant";

export interface PacingSettings {
  /** Part of the horizon after which all examples are seen. */
  readonly a: number;
  /** Part of the examples that is seen at first. */
  readonly b: number;
  /** Number of rounds, T. */
  readonly horizon: number;
  /** Exponent of "polynomial". Default 2. */
  readonly power?: number;
}

/** A product that misses a whole number by rounding alone counts as that number. */
const SLACK = 1e-12;

/**
 * Part of the examples that is visible in a round, at most 1, with x = t / (a T), at most 1: linear b + (1 - b) x;
 * polynomial b + (1 - b) x^p; log b + (1 - b) (1 + 0.1 ln(x + e^-10)); exponential b + (1 - b) (e^(10 x) - 1) / (e^10 - 1);
 * step b + (1 - b) floor(x); constant b.
 *
 * S. Vahidian et al., "When Do Curricula Work in Federated Learning?", ICCV 2023, arXiv:2212.12712; pacing functions of
 * X. Wu, E. Dyer, B. Neyshabur, "When Do Curricula Work?", ICLR 2021.
 *
 * @param round t, counts from 0
 * @example
 * ```ts
 * import { visiblePart } from "@anabranch/core";
 * visiblePart("linear", 5, { a: 1, b: 0.5, horizon: 10 }); // => 0.75
 * ```
 */
export function visiblePart(pacing: Pacing, round: number, { a, b, horizon, power = 2 }: PacingSettings): number {
  const x = Math.min(1, a * horizon === 0 ? 1 : round / (a * horizon));
  return Math.min(1, b + (1 - b) * growth(pacing, x, power));
}

function growth(pacing: Pacing, x: number, power: number): number {
  switch (pacing) {
    case "linear":
      return x;
    case "polynomial":
      return x ** power;
    case "log":
      return 1 + 0.1 * Math.log(x + Math.exp(-10));
    case "exponential":
      return (Math.exp(10 * x) - 1) / (Math.exp(10) - 1);
    case "step":
      return Math.floor(x);
    case "constant":
      return 0;
  }
}

/**
 * Places by ascending score; ties by place.
 *
 * @example
 * ```ts
 * import { easiestFirst } from "@anabranch/core";
 * easiestFirst([0.9, 0.1, 0.5]); // => [1, 2, 0]
 * ```
 */
export function easiestFirst(scores: readonly number[]): number[] {
  return scores.map((_, i) => i).sort((i, j) => scores[i]! - scores[j]! || i - j);
}

/**
 * Places, ascending, of the examples that a client trains on: the first ceil(part * n), at least one, from the easiest
 * ("curriculum") or from the hardest on ("anti"). Sets of a growing part are nested.
 *
 * @param scores loss of each example under the global model
 * @example
 * ```ts
 * import { visibleExamples } from "@anabranch/core";
 * visibleExamples([3, 1, 2], 0.5, "curriculum"); // => [1, 2]
 * ```
 */
export function visibleExamples(scores: readonly number[], part: number, order: "curriculum" | "anti"): number[] {
  const easiest = easiestFirst(scores);
  const places = order === "anti" ? easiest.reverse() : easiest;
  return places.slice(0, visibleCount(scores.length, part)).sort((i, j) => i - j);
}

/**
 * Examples of n that are seen where a part of them is visible, at least one.
 *
 * @example
 * ```ts
 * import { visibleCount } from "@anabranch/core";
 * visibleCount(5, 0.5); // => 3
 * ```
 */
export function visibleCount(examples: number, part: number): number {
  return Math.max(1, Math.ceil(part * examples - SLACK));
}
