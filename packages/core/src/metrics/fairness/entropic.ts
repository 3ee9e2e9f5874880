/** A linear function of the variables: offset + sum of factors[i] * x[places[i]]. */
export interface Linear {
  readonly offset: number;
  readonly places: readonly number[];
  readonly factors: readonly number[];
}

/** Sum of coefficient * u ln u over linear functions u, which are positive: entropies and mutual information are such sums. */
export type Entropic = readonly { readonly coefficient: number; readonly of: Linear }[];

/** A convex problem: the least cost . x + objective(x) where every `bounded` function is below its cap and all `positive` ones are. */
export interface ConvexProblem {
  readonly cost: readonly number[];
  readonly objective: Entropic;
  readonly bounded: readonly { readonly value: Entropic; readonly offset: number; readonly cap: number }[];
  readonly positive: readonly Linear[];
}

/** Distance of the objective from its optimum. */
const GAP = 1e-8;
const NEWTON_STEPS = 60;

/**
 * Minimises by a logarithmic barrier with Newton steps, from a point that satisfies all constraints strictly.
 * Source: S. Boyd, L. Vandenberghe, "Convex Optimization", 2004, section 11.3.
 *
 * @returns a point whose cost is within 1e-8 of the least
 */
export function minimizeConvex(problem: ConvexProblem, start: readonly number[]): Float64Array {
  let x = Float64Array.from(start);
  const constraints = problem.bounded.length + problem.positive.length;
  for (let sharpness = 1; ; sharpness *= 8) {
    x = newton(problem, x, sharpness);
    if (constraints / sharpness < GAP) return x;
  }
}

export function valueAt({ offset, places, factors }: Linear, x: ArrayLike<number>): number {
  let value = offset;
  for (let i = 0; i < places.length; i++) value += factors[i]! * x[places[i]!]!;
  return value;
}

export function entropicAt(terms: Entropic, x: ArrayLike<number>): number {
  let value = 0;
  for (const { coefficient, of } of terms) {
    const u = valueAt(of, x);
    if (u > 0) value += coefficient * u * Math.log(u);
  }
  return value;
}

function newton(problem: ConvexProblem, start: Float64Array, sharpness: number): Float64Array<ArrayBuffer> {
  let x = Float64Array.from(start);
  for (let step = 0; step < NEWTON_STEPS; step++) {
    const { gradient, hessian } = derivatives(problem, x, sharpness);
    const direction = solve(hessian, gradient);
    let decrement = 0;
    for (let i = 0; i < x.length; i++) decrement += gradient[i]! * direction[i]!;
    if (!(decrement > 1e-10)) break;
    const before = barrier(problem, x, sharpness);
    let length = 1;
    let next = x;
    for (; length > 1e-12; length /= 2) {
      next = x.map((value, i) => value - length * direction[i]!);
      if (barrier(problem, next, sharpness) <= before - 0.1 * length * decrement) break;
    }
    if (length <= 1e-12) break;
    x = next;
  }
  return x;
}

/** The function that Newton steps minimise; infinite outside the constraints. */
function barrier({ cost, objective, bounded, positive }: ConvexProblem, x: Float64Array, sharpness: number): number {
  let value = entropicAt(objective, x);
  for (let i = 0; i < x.length; i++) value += cost[i]! * x[i]!;
  value *= sharpness;
  for (const linear of positive) {
    const u = valueAt(linear, x);
    if (!(u > 0)) return Number.POSITIVE_INFINITY;
    value -= Math.log(u);
  }
  for (const { value: terms, offset, cap } of bounded) {
    const slack = cap - offset - entropicAt(terms, x);
    if (!(slack > 0)) return Number.POSITIVE_INFINITY;
    value -= Math.log(slack);
  }
  return value;
}

function derivatives({ cost, objective, bounded, positive }: ConvexProblem, x: Float64Array, sharpness: number) {
  const n = x.length;
  const gradient = Float64Array.from(cost, (value) => sharpness * value);
  const hessian = Array.from({ length: n }, () => new Float64Array(n));
  addEntropic(objective, x, sharpness, gradient, hessian);
  for (const linear of positive) {
    const u = valueAt(linear, x);
    addTo(gradient, linear, -1 / u);
    addSquare(hessian, linear, 1 / (u * u));
  }
  for (const { value, offset, cap } of bounded) {
    const slack = cap - offset - entropicAt(value, x);
    const slope = new Float64Array(n);
    addEntropic(value, x, 1, slope, undefined);
    addEntropic(value, x, 1 / slack, gradient, hessian);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) hessian[i]![j]! += (slope[i]! * slope[j]!) / (slack * slack);
  }
  return { gradient, hessian };
}

function addEntropic(
  terms: Entropic,
  x: Float64Array,
  factor: number,
  gradient: Float64Array,
  hessian: readonly Float64Array[] | undefined,
): void {
  for (const { coefficient, of } of terms) {
    const u = valueAt(of, x);
    if (!(u > 0)) continue;
    addTo(gradient, of, factor * coefficient * (Math.log(u) + 1));
    if (hessian !== undefined) addSquare(hessian, of, (factor * coefficient) / u);
  }
}

function addTo(gradient: Float64Array, { places, factors }: Linear, factor: number): void {
  for (const [i, place] of places.entries()) gradient[place]! += factor * factors[i]!;
}

function addSquare(hessian: readonly Float64Array[], { places, factors }: Linear, factor: number): void {
  for (const [i, row] of places.entries())
    for (const [j, column] of places.entries()) hessian[row]![column]! += factor * factors[i]! * factors[j]!;
}

/** Solves A y = b by Cholesky, for A that rounding may leave barely positive. */
function solve(matrix: readonly Float64Array[], right: Float64Array): Float64Array {
  const n = right.length;
  const lower = matrix.map((row) => Float64Array.from(row));
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = lower[i]![j]!;
      for (let k = 0; k < j; k++) sum -= lower[i]![k]! * lower[j]![k]!;
      const least = 1e-14 * Math.max(1e-300, matrix[j]![j]!);
      lower[i]![j] = i === j ? Math.sqrt(Math.max(sum, least)) : sum / lower[j]![j]!;
    }
  }
  const y = Float64Array.from(right);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) y[i]! -= lower[i]![k]! * y[k]!;
    y[i]! /= lower[i]![i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) y[i]! -= lower[k]![i]! * y[k]!;
    y[i]! /= lower[i]![i]!;
  }
  return y;
}
