/** A composed privacy loss on a grid: mass[i] at lowest + i step. */
export interface ComposedLoss {
  readonly mass: Float64Array;
  readonly lowest: number;
  readonly step: number;
  /** To be added to every delta: above 0 for a pessimistic loss, below for an optimistic one. */
  readonly correction: number;
}

/** delta(epsilon) = E max(0, 1 - e^(epsilon - loss)), with the correction, from 0 to 1. */
export function deltaOf({ mass, lowest, step, correction }: ComposedLoss, epsilon: number): number {
  let delta = 0;
  for (let i = mass.length - 1; i >= 0; i--) {
    const loss = lowest + i * step;
    if (loss <= epsilon) break;
    delta -= mass[i]! * Math.expm1(epsilon - loss);
  }
  return Math.min(1, Math.max(0, delta + correction));
}

/** The smallest epsilon >= 0 whose delta is at most `delta`; infinite where the correction alone is more. */
export function epsilonAt({ mass, lowest, step, correction }: ComposedLoss, delta: number): number {
  const target = delta - correction;
  if (target <= 0) return Number.POSITIVE_INFINITY;
  let above = 0;
  // delta at the loss i. It is added up from parts that are positive: `above` less a sum close to it would lose small ones.
  let reached = 0;
  for (let i = mass.length - 1; i >= 0; i--) {
    const loss = lowest + i * step;
    if (loss <= 0) break;
    above += mass[i]!;
    const down = -Math.min(step, loss);
    const next = reached * Math.exp(down) - above * Math.expm1(down);
    if (next <= target) reached = next;
    else return Math.max(0, loss - (above > target ? Math.log1p((target - reached) / (above - target)) : 0));
  }
  return 0;
}
