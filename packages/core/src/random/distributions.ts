import { AnabranchError } from "@anabranch/engine";

/**
 * Continuous distributions. They use Math.log, Math.sqrt and Math.exp, whose last bit may differ between JavaScript
 * engines, so only the server draws from them.
 */
interface UniformSource {
  float(): number;
}

/** Standard normal by the polar method (G. Marsaglia, T. A. Bray, SIAM Review 6, 1964). */
export function normal(source: UniformSource): number {
  for (;;) {
    const u = 2 * source.float() - 1;
    const v = 2 * source.float() - 1;
    const square = u * u + v * v;
    if (square > 0 && square < 1) return u * Math.sqrt((-2 * Math.log(square)) / square);
  }
}

/** Gamma(shape, scale 1) for shape > 0. */
export function gamma(source: UniformSource, shape: number): number {
  return Math.exp(logGamma(source, shape));
}

/**
 * A point of the simplex from Dirichlet(concentrations).
 *
 * Works on logarithms of the gamma variates: at concentrations of 0.01 and less all of them underflow to zero, and
 * the largest must still win.
 *
 * @param concentrations [k], each > 0
 * @returns [k], sums to 1
 * @example
 * ```ts
 * import { dirichlet, randomStream, rootKey } from "@anabranch/core";
 * const shares = dirichlet(randomStream(rootKey(1)), [1, 1, 1]);
 * shares.reduce((a, b) => a + b); // => 1
 * ```
 */
export function dirichlet(source: UniformSource, concentrations: ArrayLike<number>): Float64Array {
  const logs = Float64Array.from(concentrations, (concentration) => logGamma(source, concentration));
  const largest = logs.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const weights = logs.map((log) => Math.exp(log - largest));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
}

/**
 * Dirichlet with one concentration for all `size` coordinates.
 *
 * @example
 * ```ts
 * import { randomStream, rootKey, symmetricDirichlet } from "@anabranch/core";
 * symmetricDirichlet(randomStream(rootKey(1)), 0.5, 4).length; // => 4
 * ```
 */
export function symmetricDirichlet(source: UniformSource, concentration: number, size: number): Float64Array {
  return dirichlet(source, new Float64Array(size).fill(concentration));
}

/**
 * Logarithm of a Gamma(shape, 1) variate (G. Marsaglia, W. W. Tsang, "A Simple Method for Generating Gamma
 * Variables", ACM TOMS 26(3), 2000). Below shape 1: Gamma(a) = Gamma(a + 1) * U^(1/a).
 */
function logGamma(source: UniformSource, shape: number): number {
  if (!(shape > 0 && Number.isFinite(shape))) {
    throw new AnabranchError({
      code: "random/gamma-shape",
      message: "the shape of a gamma distribution (a Dirichlet concentration) must be positive",
      received: String(shape),
      expected: "a finite number above 0",
    });
  }
  if (shape < 1) return logGamma(source, shape + 1) + Math.log(1 - source.float()) / shape;
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(source);
    const root = 1 + c * x;
    if (root <= 0) continue;
    const v = root * root * root;
    if (Math.log(1 - source.float()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return Math.log(d) + Math.log(v);
  }
}
