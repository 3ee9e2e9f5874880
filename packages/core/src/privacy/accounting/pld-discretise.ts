import { cellMasses, type LossDistribution } from "./privacy-loss.ts";

/** Losses on a grid: probability mass[i] of the loss (first + i) step + shift. */
export interface LossMass {
  readonly mass: Float64Array;
  readonly first: number;
  readonly shift: number;
  /** Probability of an infinite loss. */
  readonly infinite: number;
}

/** Probabilities of the cells (i step, (i + 1) step], i = first, first + 1, ..., and of what lies beyond. */
interface Cells {
  readonly first: number;
  readonly p: Float64Array;
  readonly q: Float64Array;
  readonly pBelow: number;
  readonly pAbove: number;
}

/** A pessimistic and an optimistic stand-in for a loss distribution, on grids of equal step. */
export function discretise(loss: LossDistribution, step: number): { upper: LossMass; lower: LossMass } {
  const cells = cellsOf(loss, step);
  return { upper: pessimistic(cells, step), lower: optimistic(cells, step) };
}

function cellsOf(loss: LossDistribution, step: number): Cells {
  const first = Math.floor(loss.lowest / step);
  const count = Math.max(1, Math.ceil(loss.highest / step) - first);
  const p = new Float64Array(count);
  const q = new Float64Array(count);
  const { pBelow, pAbove } = cellMasses(loss, (i) => (first + i) * step, p, q);
  return { first, p, q, pBelow, pAbove };
}

/**
 * Splits each cell between its two ends so that its mass under P and under Q is kept: delta(epsilon) is then exact at
 * grid points and above the true curve between them, by a term of second order in the step (V. Doroshenko, B. Ghazi,
 * P. Kamath, R. Kumar, P. Manurangsi, "Connect the Dots: Tighter Discrete Approximations of Privacy Loss Distributions",
 * PoPETs 2022, arXiv:2207.04380, Section 3). Mass below the grid moves up to it, mass above counts as infinite loss.
 */
function pessimistic({ first, p, q, pBelow, pAbove }: Cells, step: number): LossMass {
  const mass = new Float64Array(p.length + 1);
  const full = -Math.expm1(-step);
  mass[0] = pBelow;
  for (let i = 0; i < p.length; i++) {
    const loss = (first + i) * step;
    const up = loss > 700 ? p[i]! : Math.min(p[i]!, Math.max(0, (p[i]! - q[i]! * Math.exp(loss)) / full));
    mass[i + 1]! += up;
    mass[i]! += p[i]! - up;
  }
  return { mass, first, shift: 0, infinite: pAbove };
}

/**
 * Makes each cell one outcome, with loss ln(p / q): merging outcomes only hides. Losses are then rounded down to a grid
 * near the middles of the cells; they miss the middles by second order in the step, so the grid is shifted below them
 * by as little as most cells allow. Mass below the grid is dropped, mass above it moves down to the last cell.
 */
function optimistic({ first, p, q, pAbove }: Cells, step: number): LossMass {
  const excess = Float64Array.from(p, (mass, i) => {
    if (mass === 0) return 0;
    const aboveMiddle = Math.log(mass / q[i]!) - (first + i + 0.5) * step;
    return Math.min(step / 2, Math.max(-step / 2, aboveMiddle));
  });
  const drop = bestDrop(excess, p, step);
  // One cell more at the front: a cell whose loss lies below its grid point goes to the one before.
  const mass = new Float64Array(p.length + 1);
  for (let i = 0; i < p.length; i++) mass[excess[i]! >= -drop ? i + 1 : i]! += p[i]!;
  mass[p.length]! += pAbove;
  return { mass, first: first - 1, shift: step / 2 - drop, infinite: 0 };
}

/** The drop below the middles, half a step over a power of two, with the smallest loss in the mean. */
function bestDrop(excess: Float64Array, p: Float64Array, step: number): number {
  const halvings = 45;
  const deeper = new Float64Array(halvings + 1);
  for (let i = 0; i < p.length; i++) {
    if (excess[i]! >= 0) continue;
    const depth = Math.floor(Math.log2(step / 2 / -excess[i]!));
    if (depth < halvings) deeper[Math.max(0, depth)]! += p[i]!;
  }
  let drop = step / 2;
  let cost = drop;
  let missed = 0;
  for (let k = 0; k < halvings; k++) {
    const candidate = step / 2 / 2 ** k;
    if (candidate + step * missed < cost) {
      drop = candidate;
      cost = candidate + step * missed;
    }
    missed += deeper[k]!;
  }
  return drop;
}
