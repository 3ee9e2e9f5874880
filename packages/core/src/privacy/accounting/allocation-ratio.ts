import { roundingOf } from "./pld-discretise.ts";
import { cellMasses, gaussianLoss } from "./privacy-loss.ts";
import { mergedSum, onStep, type RatioGrid, spreadSum, trimmed } from "./ratio-grid.ts";

/** Outcomes with their probabilities, [n] each, under P (the client took part) and Q (it is not there). */
export interface RatioOutcomes {
  readonly p: Float64Array;
  readonly q: Float64Array;
  /** Probability under P of outcomes that are left out, which Q may never have; the same of Q. */
  readonly lostP: number;
  readonly lostQ: number;
}

/** Stand-ins for one block: from `upper` two populations are told apart at least as well as in truth, from `lower` at most. */
export interface BlockRatio {
  readonly upper: RatioOutcomes;
  readonly lower: RatioOutcomes;
}

/** Less noise overflows the grid, and has an epsilon of hundreds; more differs from this in digits that rounding hides. */
export const LEAST_ALLOCATED_NOISE = 0.05;
export const MOST_ALLOCATED_NOISE = 1e4;

/** Grid points of a sum, at most; the number that is aimed at is 2/3 to 1 of it. */
const POINTS = 2000;

/** Probability that is dropped at either end of each sum. */
const TAIL = 1e-20;

/** More than lies outside of the range of `gaussianLoss`: two tails of 9 standard deviations. */
const OUTSIDE = 2.4e-19;

/**
 * What the rounds of one block tell of a client that takes part in one of them, drawn uniformly, when each adds Gaussian
 * noise. With x_i = the noisy sum of round i along the client's update, in units of the clip norm, the dominating pair is
 *
 *   P = 1/b sum_i N(e_i, sigma^2 I),  Q = N(0, sigma^2 I),  P/Q = S = 1/b sum_i exp((2 x_i - 1) / (2 sigma^2))
 *
 * (L. Chua, B. Ghazi, C. Harrison, E. Leeman, P. Kamath, R. Kumar, P. Manurangsi, A. Sinha, C. Zhang, "Balls-and-Bins
 * Sampling for DP-SGD", AISTATS 2025, arXiv:2412.16802, Theorem 3; V. Feldman, M. Shenfeld, "Privacy Amplification by Random
 * Allocation", 2025, arXiv:2502.08202). Updates may depend on earlier rounds, be shorter, or be absent: such a round is
 * computed from x_i by shrinking and adding noise.
 *
 * Under Q, S is a mean of b independent lognormal variables W_i with mean 1, and delta(epsilon) = E max(0, S - e^epsilon)
 * or, with P and Q exchanged, E max(0, 1 - e^epsilon S). Both are expectations of convex functions. They rise when W_i
 * becomes larger in the convex order and fall when it becomes smaller, and sums keep that order. So W_i and all partial sums
 * are put on a geometric grid: split between neighbours with their mean kept (upper), or merged at their mean (lower). Both
 * errors are of second order in the step. Dropping an outcome lowers S to 0 there, which tells more without the client; what
 * P loses is counted as an infinite loss.
 *
 * @param rounds b, at least 2
 */
export function allocationRatio(rounds: number, noiseMultiplier: number): BlockRatio {
  const one = single(noiseMultiplier);
  return {
    upper: outcomes(repeated(one.upper, rounds, spreadSum), 1),
    lower: outcomes(repeated(one.lower, rounds, mergedSum), -1),
  };
}

/** What a sum is not exact in, in parts of all. */
interface Flaws {
  /** Dropped under Q and under P. */
  readonly lostMass: number;
  readonly lostMoment: number;
  /** By how much rounding may have changed a probability: errors of all summands multiply. */
  readonly ofMass: number;
  /** By how much it may have changed a value: no more than that of the worst summand. */
  readonly ofValue: number;
}

/** A sum of `summands` ratios. */
interface Sum extends Flaws {
  readonly grid: RatioGrid;
  readonly summands: number;
}

/** W on its grid: each cell as two outcomes at its ends with its mass and mean, or as one at its mean. */
function single(noiseMultiplier: number): { upper: Sum; lower: Sum } {
  const squared = 1 / noiseMultiplier ** 2;
  const loss = gaussianLoss(squared);
  // losses lie lower by mu^2 under Q
  const step = (loss.highest - loss.lowest + squared) / (POINTS - 2);
  const first = Math.floor((loss.lowest - squared) / step);
  const p = new Float64Array(POINTS - 1);
  const q = new Float64Array(POINTS - 1);
  cellMasses(loss, (i) => (first + i) * step, p, q);
  const rounding = 2 * Math.max(relativeRounding(p), relativeRounding(q));
  const flaws = { lostMass: OUTSIDE, lostMoment: OUTSIDE, ofMass: rounding, ofValue: 2 * rounding };
  const mass = new Float64Array(POINTS);
  const width = Math.expm1(step);
  for (let i = 0; i < q.length; i++) {
    const value = Math.exp((first + i) * step);
    const up = Math.min(q[i]!, Math.max(0, (p[i]! / value - q[i]!) / width));
    mass[i]! += q[i]! - up;
    mass[i + 1]! += up;
  }
  const moment = mass.map((value, i) => value * Math.exp((first + i) * step));
  return {
    upper: cut({ step, first, mass, moment }, 1, flaws),
    lower: cut({ step, first, mass: q, moment: p }, 1, flaws),
  };
}

/** How wrong a cell may be in parts of it, as a difference of the smaller tails; cells that are trimmed do not count. */
function relativeRounding(cells: Float64Array): number {
  const above = new Float64Array(cells.length);
  for (let i = cells.length - 1, sum = 0; i >= 0; i--) above[i] = sum += cells[i]!;
  let [worst, below] = [0, 0];
  cells.forEach((cell, i) => {
    below += cell;
    if (cell > TAIL / 10) worst = Math.max(worst, roundingOf(Math.min(above[i]!, below), cell) / cell);
  });
  return worst;
}

type Add = typeof spreadSum;

/** The sum of `times` independent ratios by doubling, on a grid that becomes finer as the sum becomes narrower. */
function repeated(one: Sum, times: number, add: Add): Sum {
  let sum = one;
  for (const bit of times.toString(2).slice(1)) {
    const finer = sum.grid.mass.length <= POINTS / 1.5 ? 2 : 1;
    sum = joined(sum, sum, add(sum.grid, sum.grid, finer));
    if (bit === "1") sum = joined(one, sum, add(onStep(one.grid, sum.grid.step), sum.grid, 1));
  }
  return sum;
}

/** A mass that is lost takes all of an outcome away, a moment only its share of the mean. */
function joined(a: Sum, b: Sum, grid: RatioGrid): Sum {
  const summands = a.summands + b.summands;
  const share = a.summands / summands;
  const added = (a.grid.mass.length + b.grid.mass.length + 64) * Number.EPSILON;
  return cut(grid, summands, {
    lostMass: a.lostMass + b.lostMass,
    lostMoment: share * (a.lostMoment + b.lostMass) + (1 - share) * (b.lostMoment + a.lostMass),
    ofMass: a.ofMass + b.ofMass + added,
    ofValue: Math.max(a.ofValue, b.ofValue) + 2 * added,
  });
}

function cut(whole: RatioGrid, summands: number, flaws: Flaws): Sum {
  const { grid, mass, moment } = trimmed(whole, summands, TAIL);
  return { ...flaws, grid, summands, lostMass: flaws.lostMass + mass, lostMoment: flaws.lostMoment + moment };
}

/** A sum as outcomes, with what rounding may hide on the cautious side (sign 1) or the other one (sign -1). */
function outcomes({ grid, summands, lostMass, lostMoment, ofMass, ofValue }: Sum, sign: 1 | -1): RatioOutcomes {
  const scaled = (values: Float64Array, factor: number) => values.map((value) => value * factor);
  const all = 1 + sign * 2 * ofMass;
  return {
    p: scaled(grid.moment, ((1 + sign * ofValue) * all) / summands),
    q: scaled(grid.mass, (1 - sign * ofValue) * all),
    lostP: sign === 1 ? lostMoment : 0,
    lostQ: sign === 1 ? lostMass : 0,
  };
}
