import { sampledGaussianSeries } from "./rdp-series.ts";
import { logAddExp, logExpm1, logFactorials, logSumExp } from "./special-functions.ts";

/** Noise beyond these counts as one of them: squares of it leave float64, and no delta of use can tell the difference. */
const LEAST_NOISE = 1e-100;
const MOST_NOISE = 1e100;

/**
 * Rényi divergences of one release of Poisson-subsampled Gaussian noise at several orders: ln(A) / (order - 1) with
 * A = E over z ~ N(0, sigma^2) of (1 - q + q exp((2z - 1) / (2 sigma^2)))^order (I. Mironov, K. Talwar, L. Zhang, "Rényi
 * Differential Privacy of the Sampled Gaussian Mechanism", 2019, arXiv:1908.10530, Section 3.3). It bounds both
 * directions of add-or-remove adjacency (Theorem 5 there).
 *
 * @param samplingRate q in (0, 1)
 * @param noiseMultiplier sigma > 0
 * @param orders [n], each above 1
 * @returns [n]
 */
export function sampledGaussianDivergences(
  samplingRate: number,
  noiseMultiplier: number,
  orders: readonly number[],
): Float64Array {
  const sigma = Math.min(MOST_NOISE, Math.max(LEAST_NOISE, noiseMultiplier));
  const fractional = orders.filter((order) => !Number.isInteger(order));
  const integer = orders.filter((order) => Number.isInteger(order));
  const moments = new Map<number, number>();
  const put = (some: readonly number[], values: Float64Array) =>
    some.forEach((order, i) => {
      moments.set(order, values[i]!);
    });
  put(integer, integerMoments(samplingRate, sigma, integer));
  put(fractional, fractionalMoments(samplingRate, sigma, fractional));
  return Float64Array.from(orders, (order) => moments.get(order)! / (order - 1));
}

/**
 * ln A at integer orders from the binomial sum (Section 3.3). A - 1 is summed, for which the terms of k = 0 and 1
 * vanish: all others are positive, and small divergences keep their digits.
 */
function integerMoments(q: number, sigma: number, orders: readonly number[]): Float64Array {
  const largest = Math.max(2, ...orders);
  const factorials = logFactorials(largest);
  const gain = Float64Array.from({ length: largest + 1 }, (_, k) => logExpm1((k * k - k) / (2 * sigma * sigma)));
  const taken = Math.log(q);
  const left = Math.log1p(-q);
  const terms = new Float64Array(largest + 1);
  return Float64Array.from(orders, (order) => {
    for (let k = 2; k <= order; k++) {
      const binomial = factorials[order]! - factorials[k]! - factorials[order - k]!;
      terms[k - 2] = binomial + (order - k) * left + k * taken + gain[k]!;
    }
    return logAddExp(0, logSumExp(terms, order - 1));
  });
}

/** ln A at any orders: by quadrature, or by the series where noise is so small that the quadrature would be long. */
function fractionalMoments(q: number, sigma: number, orders: readonly number[]): Float64Array {
  if (orders.length === 0) return new Float64Array(0);
  if (sigma < 0.1) return Float64Array.from(orders, (order) => sampledGaussianSeries(q, sigma, order));
  return sampledGaussianQuadrature(q, sigma, orders);
}

/**
 * ln A by the trapezoidal rule on the whole line, whose error falls exponentially with the step for such integrands: the
 * step is held below sigma / 8 (width of the Gaussian) and sigma^2 / 2 (distance of the branch points). A - 1 is
 * integrated as (1 + u)^order - 1 - order u, which is nowhere negative; u = q (likelihood ratio - 1) has mean 0.
 *
 * @returns [orders], ln A
 */
export function sampledGaussianQuadrature(q: number, sigma: number, orders: readonly number[]): Float64Array {
  const grid = quadratureGrid(q, sigma, Math.max(...orders));
  return Float64Array.from(orders, (order) => {
    // Its own largest value: e^((order^2 - order) / (2 sigma^2)), a bound at any rate, underflows all where q is small.
    const scale = largestExponent(grid, order);
    const shrink = Math.exp(-scale);
    let sum = 0;
    for (let i = 0; i < grid.logRatio.length; i++) {
      const exponent = order * grid.logRatio[i]!;
      const weight = grid.weight[i]! * shrink;
      if (Math.abs(exponent) > 1) {
        const tangent = weight + order * (grid.weightedRatio[i]! * shrink - weight);
        sum += Math.exp(exponent + grid.logWeight[i]! - scale) - tangent;
      } else sum += weight * convexRest(order, grid.logRatio[i]!, exponent);
    }
    return logAddExp(0, scale + Math.log(sum));
  });
}

/** The logarithm of the largest value of the weighted integrand ratio^order on the grid, at least 0. */
function largestExponent({ logRatio, logWeight }: QuadratureGrid, order: number): number {
  let largest = 0;
  for (let i = 0; i < logRatio.length; i++) largest = Math.max(largest, order * logRatio[i]! + logWeight[i]!);
  return largest;
}

/** (1 + u)^order - 1 - order u with full precision for small u, where log1p(u) and order log1p(u) are given. */
export function convexRest(order: number, logRatio: number, exponent: number): number {
  const u = Math.expm1(logRatio);
  if (Math.abs(order * u) > 1e-3) return Math.expm1(exponent) - order * u;
  const cubic = (order - 2) / 3;
  const quartic = (cubic * (order - 3)) / 4;
  return (order * (order - 1) * u * u * (1 + u * (cubic + u * (quartic + (u * quartic * (order - 4)) / 5)))) / 2;
}

interface QuadratureGrid {
  /** ln of the mixture's likelihood ratio 1 + u. */
  readonly logRatio: Float64Array;
  /** Gaussian density times the step, its logarithm, and its product with the likelihood ratio. */
  readonly weight: Float64Array;
  readonly logWeight: Float64Array;
  readonly weightedRatio: Float64Array;
}

function quadratureGrid(q: number, sigma: number, largestOrder: number): QuadratureGrid {
  const step = Math.min(sigma / 8, (sigma * sigma) / 2);
  const points = Math.ceil((largestOrder + 24 * sigma) / step) + 1;
  const z = Float64Array.from({ length: points }, (_, i) => i * step - 12 * sigma);
  const logRatio = z.map((value) => {
    const exponent = (2 * value - 1) / (2 * sigma * sigma);
    return exponent > 700
      ? exponent + Math.log(q + (1 - q) * Math.exp(-exponent))
      : Math.log1p(q * Math.expm1(exponent));
  });
  const norm = Math.log(step / (sigma * Math.sqrt(2 * Math.PI)));
  const logWeight = z.map((value) => norm - (value * value) / (2 * sigma * sigma));
  return {
    logRatio,
    weight: logWeight.map(Math.exp),
    logWeight,
    weightedRatio: logWeight.map((log, i) => Math.exp(log + logRatio[i]!)),
  };
}
