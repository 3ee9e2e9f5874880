/**
 * What a server knows of the choices that it may give to a client: mean rewards and how often each was tried.
 *
 * Citation: P. Auer, N. Cesa-Bianchi, P. Fischer, "Finite-time Analysis of the Multiarmed Bandit Problem", Machine Learning
 * 47, 2002, Figure 1 (UCB1), in place of FedSpine's S-UCB, which arXiv:2501.02438 does not give in full.
 */
export interface Choices {
  readonly means: readonly number[];
  readonly counts: readonly number[];
}

/**
 * Scores mean_j + sqrt(c ln(t) / n_j); null for what was never tried, which comes first, and the best choice, of equal ones
 * the first.
 *
 * @param t choices so far
 * @param c exploration
 * @example
 * ```ts
 * import { upperConfidence } from "@anabranch/core";
 * upperConfidence({ means: [0.5, 0.4], counts: [9, 1] }, 10, 0.5).choice; // => 1
 * ```
 */
export function upperConfidence(
  { means, counts }: Choices,
  t: number,
  c: number,
): { readonly choice: number; readonly scores: readonly (number | null)[] } {
  const scores = means.map((mean, j) => (counts[j]! > 0 ? mean + Math.sqrt((c * Math.log(t)) / counts[j]!) : null));
  const untried = scores.indexOf(null);
  if (untried >= 0) return { choice: untried, scores };
  const known = scores as number[];
  return { choice: known.reduce((best, score, j) => (score > known[best]! ? j : best), 0), scores };
}

/**
 * The choices after one of them had a reward.
 *
 * @example
 * ```ts
 * import { reward } from "@anabranch/core";
 * reward({ means: [0.5], counts: [1] }, 0, 1).means; // => [0.75]
 * ```
 */
export function reward({ means, counts }: Choices, choice: number, value: number): Choices {
  const count = counts[choice]! + 1;
  return {
    counts: counts.with(choice, count),
    means: means.with(choice, means[choice]! + (value - means[choice]!) / count),
  };
}
