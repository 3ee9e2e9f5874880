/**
 * KL(p || q) in nats; a term with p = 0 is 0. Infinite where p has mass and q has none.
 *
 * @example
 * ```ts
 * import { relativeEntropy } from "@anabranch/core";
 * relativeEntropy([0.5, 0.5], [0.5, 0.5]); // => 0
 * ```
 */
export function relativeEntropy(p: readonly number[], q: readonly number[]): number {
  return p.reduce((sum, mass, c) => (mass === 0 ? sum : sum + mass * Math.log(mass / q[c]!)), 0);
}

/**
 * (KL(p || q) + KL(q || p)) / 2 for every pair, in nats, [n, n].
 *
 * @example
 * ```ts
 * import { symmetricDivergences } from "@anabranch/core";
 * symmetricDivergences([[0.5, 0.5], [0.25, 0.75]])[0]; // => [0, 0.1373]
 * ```
 */
export function symmetricDivergences(distributions: readonly (readonly number[])[]): number[][] {
  return distributions.map((p) =>
    distributions.map((q) => (p === q ? 0 : (relativeEntropy(p, q) + relativeEntropy(q, p)) / 2)),
  );
}

/**
 * Jensen-Shannon divergence of two distributions, in bits: 0 for equal ones, 1 for those that share nothing.
 *
 * @example
 * ```ts
 * import { jensenShannon } from "@anabranch/core";
 * jensenShannon([1, 0], [0, 1]); // => 1
 * ```
 */
export function jensenShannon(p: readonly number[], q: readonly number[]): number {
  const middle = p.map((mass, c) => (mass + q[c]!) / 2);
  return (relativeEntropy(p, middle) + relativeEntropy(q, middle)) / 2 / Math.LN2;
}
