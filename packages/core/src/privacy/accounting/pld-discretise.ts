import { cellMasses, type LossDistribution } from "./privacy-loss.ts";

/** Losses on a grid: probability mass[i] of the loss (first + i) step + shift. */
export interface LossMass {
  readonly mass: Float64Array;
  readonly first: number;
  readonly shift: number;
}

/** A loss that is at least as large. */
export interface UpperLoss extends LossMass {
  /** Probability of an infinite loss. */
  readonly infinite: number;
}

/** A loss that is no larger once `excess` is added to each of its points. */
export interface LowerLoss extends LossMass {
  /** [mass], within half a step of 0. */
  readonly excess: Float64Array;
}

/** Probabilities of the cells (i step, (i + 1) step], i = first, first + 1, ..., and of what lies beyond. */
interface Cells {
  readonly first: number;
  readonly p: Float64Array;
  readonly q: Float64Array;
  readonly pBelow: number;
  readonly pAbove: number;
}

/**
 * A pessimistic and an optimistic stand-in for a loss distribution, on grids of equal step.
 *
 * @param reach steps on either side of the median that are told apart; what lies beyond is put on the cautious side
 */
export function discretise(
  loss: LossDistribution,
  step: number,
  reach: number,
): { upper: UpperLoss; lower: LowerLoss } {
  const cells = cellsOf(loss, step, reach);
  const below = loss.optimistic === undefined ? cells : cellsOf(loss.optimistic, step, reach);
  return { upper: pessimistic(cells, step), lower: optimistic(below, step) };
}

function cellsOf(loss: LossDistribution, step: number, reach: number): Cells {
  let first = Math.floor(loss.lowest / step);
  let last = Math.max(first + 1, Math.ceil(loss.highest / step));
  if (last - first > 2 * reach) {
    const middle = Math.floor(medianOf(loss) / step);
    first = Math.max(first, middle - reach);
    last = Math.min(last, middle + reach);
  }
  const p = new Float64Array(last - first);
  const q = new Float64Array(last - first);
  const { pBelow, pAbove } = cellMasses(loss, (i) => (first + i) * step, p, q);
  return { first, p, q, pBelow, pAbove };
}

function medianOf(loss: LossDistribution): number {
  const out = { pAbove: 0, qAbove: 0, pBelow: 0, qBelow: 0 };
  let [low, high] = [loss.lowest, loss.highest];
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return middle;
    loss.tails(middle, out);
    if (out.pBelow < 0.5) low = middle;
    else high = middle;
  }
}

/** Tails of distributions are known to this part of them, and less well the further out they are. */
const ROUNDING = 2 ** -50;

/** By how much the mass of a cell may be wrong, as it is a difference of tails: of the smaller ones. */
export function roundingOf(tail: number, mass: number): number {
  const smaller = Math.min(tail, Math.max(0, 1 - tail) + mass);
  return smaller > 0 ? ROUNDING * smaller * (1 - Math.log(smaller)) : 0;
}

/**
 * Splits each cell between its two ends so that its mass under P and under Q is kept: delta(epsilon) is then exact at
 * grid points and above the true curve between them, by a term of second order in the step (V. Doroshenko, B. Ghazi,
 * P. Kamath, R. Kumar, P. Manurangsi, "Connect the Dots: Tighter Discrete Approximations of Privacy Loss Distributions",
 * PoPETs 2022, arXiv:2207.04380, Section 3). Mass below the grid moves up to it, mass above counts as infinite loss. What
 * rounding may hide goes to the upper end: with much noise P and Q differ by little more than that.
 */
function pessimistic({ first, p, q, pBelow, pAbove }: Cells, step: number): UpperLoss {
  const mass = new Float64Array(p.length + 1);
  const full = -Math.expm1(-step);
  mass[0] = pBelow;
  let pTail = pAbove;
  let qTail = 0;
  for (let i = p.length - 1; i >= 0; i--) {
    const loss = (first + i) * step;
    pTail += p[i]!;
    qTail += q[i]!;
    const ratio = Math.exp(loss);
    const hidden =
      roundingOf(pTail, p[i]!) + ratio * roundingOf(qTail, q[i]!) + p[i]! * Number.EPSILON * (2 + Math.abs(loss));
    const up = loss > 700 ? p[i]! : Math.min(p[i]!, Math.max(0, (p[i]! - q[i]! * ratio + hidden) / full));
    mass[i + 1]! += up;
    mass[i]! += p[i]! - up;
  }
  return { mass, first, shift: 0, infinite: pAbove };
}

/**
 * Makes each cell one outcome, with loss ln(p / q): merging outcomes only hides. On the grid it is at the middle of the
 * cell, and what the loss is more than that is its excess, of second order in the step but where the density is steep.
 * Mass below the grid is dropped, mass above it moves down to the last cell.
 */
function optimistic({ first, p, q, pAbove }: Cells, step: number): LowerLoss {
  const mass = p.slice();
  mass[mass.length - 1]! += pAbove;
  const excess = new Float64Array(p.length);
  let pTail = pAbove;
  let qTail = 0;
  for (let i = p.length - 1; i >= 0; i--) {
    pTail += p[i]!;
    qTail += q[i]!;
    const rounding = roundingOf(pTail, p[i]!) / p[i]! + roundingOf(qTail, q[i]!) / q[i]!;
    const aboveMiddle = Math.log(p[i]! / q[i]!) - rounding - (first + i + 0.5) * step;
    excess[i] = aboveMiddle > -step / 2 ? Math.min(step / 2, aboveMiddle) : -step / 2;
  }
  return { mass, first, shift: step / 2, excess };
}
