import type { PrivacyEvent } from "./events.ts";

type Skellam = Extract<PrivacyEvent, { kind: "skellam" }>;

/**
 * Rényi divergences of Skellam noise of variance mu on whole numbers that neighbours change by at most l1 and l2 in
 * 1-norm and 2-norm: for whole orders a
 *
 *   eps(a) <= a l2^2 / (2 mu) + min{ ((2 a - 1) l2^2 + 6 l1) / (4 mu^2), 3 l1 / (2 mu) }
 *
 * N. Agarwal, P. Kairouz, Z. Liu, "The Skellam Mechanism for Differentially Private Federated Learning", NeurIPS 2021,
 * arXiv:2110.04995, Corollary 3.6. Between whole orders (a - 1) eps(a) is convex and bounded by its chord (Y.-X. Wang,
 * B. Balle, S. P. Kasiviswanathan, AISTATS 2019, arXiv:1808.00087, Corollary 10); at order 1 it is 0.
 *
 * @param orders [n], each above 1
 * @returns [n]
 */
export function skellamDivergences({ l1, l2, variance }: Skellam, orders: readonly number[]): Float64Array {
  const squared = l2 * l2;
  const moment = (order: number) => {
    const rest = ((2 * order - 1) * squared + 6 * l1) / (4 * variance * variance);
    return (order - 1) * ((order * squared) / (2 * variance) + Math.min(rest, (3 * l1) / (2 * variance)));
  };
  return Float64Array.from(orders, (order) => {
    const below = Math.floor(order);
    const share = order - below;
    return ((1 - share) * moment(below) + (share === 0 ? 0 : share * moment(below + 1))) / (order - 1);
  });
}
