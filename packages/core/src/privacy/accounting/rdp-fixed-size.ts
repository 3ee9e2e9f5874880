import { logAddExp, logFactorials, logSumExp } from "./special-functions.ts";

/**
 * Rényi divergences of Gaussian noise on a cohort drawn uniformly without replacement, under replace-one adjacency:
 * Y.-X. Wang, B. Balle, S. P. Kasiviswanathan, "Subsampled Rényi Differential Privacy and Analytical Moments
 * Accountant", AISTATS 2019, arXiv:1808.00087, Theorem 9 with epsilon(infinity) = infinity:
 *
 *   eps'(a) <= ln(1 + g^2 C(a, 2) min(4 (e^eps(2) - 1), 2 e^eps(2)) + sum_(j=3..a) 2 g^j C(a, j) e^((j-1) eps(j))) / (a - 1)
 *
 * for integers a, g = cohort / population. Replacing one client's update moves the sum by twice the norm bound, so
 * eps(j) = 2 j / sigma^2. Between integers (a - 1) eps'(a) is convex and bounded by its chord (Corollary 10). Sampling
 * never adds to the divergence, so the unsampled one is a bound too.
 *
 * @param rate cohort / population, in (0, 1)
 * @param sigma noise multiplier > 0
 * @param orders [n], each above 1
 * @returns [n]
 */
export function fixedSizeDivergences(rate: number, sigma: number, orders: readonly number[]): Float64Array {
  const moments = integerMoments(rate, sigma, Math.ceil(Math.max(...orders)));
  return Float64Array.from(orders, (order) => {
    const below = Math.floor(order);
    const share = order - below;
    const moment = share === 0 ? moments[below]! : (1 - share) * moments[below]! + share * moments[below + 1]!;
    return Math.min(moment / (order - 1), divergence(sigma, order));
  });
}

/** eps(order) of the unsampled mechanism. */
function divergence(sigma: number, order: number): number {
  return (2 * order) / (sigma * sigma);
}

/** (a - 1) eps'(a) for a = 0 .. largest; that of a = 1 is 0. */
function integerMoments(rate: number, sigma: number, largest: number): Float64Array {
  const factorials = logFactorials(largest);
  const second = divergence(sigma, 2);
  const smaller = second < Math.LN2 ? Math.log(4 * Math.expm1(second)) : Math.LN2 + second;
  const weight = Float64Array.from({ length: largest + 1 }, (_, j) =>
    j === 2 ? smaller : Math.LN2 + (j - 1) * divergence(sigma, j),
  );
  const terms = new Float64Array(largest);
  return Float64Array.from({ length: largest + 1 }, (_, order) => {
    for (let j = 2; j <= order; j++) {
      const binomial = factorials[order]! - factorials[j]! - factorials[order - j]!;
      terms[j - 2] = binomial + j * Math.log(rate) + weight[j]!;
    }
    return order < 2 ? 0 : logAddExp(0, logSumExp(terms, order - 1));
  });
}
