import { solvePositive } from "./solve-positive.ts";

/** Points of a function and its values there. */
export interface Queries {
  /** [n][d] */
  readonly points: readonly Float64Array[];
  /** [n] */
  readonly values: readonly number[];
}

export interface ProcessOptions {
  /** l, the distance over which values go together. */
  readonly lengthScale: number;
  /** Added to the diagonal of the kernel matrix. */
  readonly jitter: number;
}

/**
 * The gradient at x of the mean of a Gaussian process through known values, which costs no query: kernel Matern 5/2, values
 * scaled to [0, 1].
 *   grad mu(x) = (max y - min y) sum_i (K + jitter I)^-1_i y' grad k(x, x_i)
 *   k(r) = (1 + s + s^2 / 3) e^-s,  s = sqrt(5) r / l
 *
 * @param x [d]
 * @returns [d]; zeros where all values are the same
 *
 * @example
 * ```ts
 * import { processGradient } from "@anabranch/core";
 * const points = [0, 1, 2].map((x) => Float64Array.of(x));
 * const options = { lengthScale: 2, jitter: 1e-6 };
 * processGradient({ points, values: [0, 2, 4] }, options, Float64Array.of(1)); // => [2.4244]
 * ```
 */
export function processGradient(
  { points, values }: Queries,
  { lengthScale, jitter }: ProcessOptions,
  x: Float64Array,
): Float64Array {
  const gradient = new Float64Array(x.length);
  const least = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const range = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) - least;
  if (!(range > 0)) return gradient;
  const scaled = (a: Float64Array, b: Float64Array) => (Math.sqrt(5) * distance(a, b)) / lengthScale;
  const weights = solvePositive(
    (i) =>
      Float64Array.from({ length: i + 1 }, (_, j) => {
        const s = scaled(points[i]!, points[j]!);
        return (1 + s + (s * s) / 3) * Math.exp(-s) + (i === j ? jitter : 0);
      }),
    values.map((value) => (value - least) / range),
  );
  for (const [i, point] of points.entries()) {
    const s = scaled(x, point);
    const slope = ((-5 / 3) * (1 + s) * Math.exp(-s)) / lengthScale ** 2;
    for (let j = 0; j < x.length; j++) gradient[j]! += range * weights[i]! * slope * (x[j]! - point[j]!);
  }
  return gradient;
}

/** The queries nearest to x, at most so many; of those equally near the older ones. */
export function nearestQueries({ points, values }: Queries, x: Float64Array, most: number): Queries {
  if (points.length <= most) return { points, values };
  const order = points.map((point, i) => [distance(point, x), i] as const).sort(([a, i], [b, j]) => a - b || i - j);
  const kept = order.slice(0, most).map(([, i]) => i);
  return { points: kept.map((i) => points[i]!), values: kept.map((i) => values[i]!) };
}

function distance(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum);
}
