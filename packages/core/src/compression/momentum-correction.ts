import type { Operator } from "./error-feedback.ts";

export interface MomentumCorrectionOptions {
  readonly momentum: number;
  /** u <- mu (u + g), v <- v + u + g. */
  readonly nesterov?: boolean | undefined;
  /** Momentum factor masking: what was sent leaves u, too. On by default. */
  readonly masking?: boolean | undefined;
  /** Bound on the norm of a gradient before it is added; 0: off. */
  readonly clipNorm?: number | undefined;
}

/** Velocity u and its sum v, zero at first. */
export interface Velocity {
  readonly u: Float64Array;
  readonly v: Float64Array;
}

/**
 * Deep gradient compression: momentum is summed locally, so that what is sent late arrives as momentum SGD would have moved.
 * What the operator sends of v, its k largest entries, leaves v.
 * Y. Lin, S. Han, H. Mao, Y. Wang, W. J. Dally, "Deep Gradient Compression: Reducing the Communication Bandwidth for
 * Distributed Training", ICLR 2018, algorithms 1 and 4. https://arxiv.org/abs/1712.01887
 */
export function correctMomentum(
  compress: Operator,
  gradient: Float64Array,
  velocity: Velocity,
  { momentum, nesterov = false, masking = true, clipNorm = 0 }: MomentumCorrectionOptions,
): { readonly sent: Float64Array; readonly velocity: Velocity } {
  const factor = clipFactor(gradient, clipNorm);
  const g = gradient.map((value) => factor * value);
  const u = velocity.u.map((value, i) => (nesterov ? momentum * (value + g[i]!) : momentum * value + g[i]!));
  const v = velocity.v.map((value, i) => value + u[i]! + (nesterov ? g[i]! : 0));
  const sent = compress(v);
  for (let i = 0; i < v.length; i++) {
    if (sent[i] === 0) continue;
    v[i]! -= sent[i]!;
    if (masking) u[i] = 0;
  }
  return { sent, velocity: { u, v } };
}

function clipFactor(vector: Float64Array, bound: number): number {
  if (bound === 0) return 1;
  let squares = 0;
  for (const value of vector) squares += value * value;
  const norm = Math.sqrt(squares);
  return norm > bound ? bound / norm : 1;
}
