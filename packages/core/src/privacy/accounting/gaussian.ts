import { erfcxValue } from "@anabranch/engine";
import type { Adjacency, PrivacyEvent } from "./events.ts";
import { logNormalCdf } from "./special-functions.ts";

/** By how many norm bounds neighbours change a sum: replacing takes one vector away and adds another; zeros add nothing. */
export function sensitivity(adjacency: Adjacency): number {
  return adjacency === "replace-one" ? 2 : 1;
}

/**
 * mu^2 of an event that is mu-Gaussian differentially private, as unsampled Gaussian noise is with mu = sensitivity /
 * noise (J. Dong, A. Roth, W. J. Su, "Gaussian Differential Privacy", 2019, arXiv:1905.02383, Theorem 2.7); undefined
 * for other events. Values of mu^2 add up under composition, exactly (Corollary 3.3). A tree adds up its nodes.
 */
export function squaredMu(event: PrivacyEvent): number | undefined {
  if (!("noiseMultiplier" in event)) return undefined;
  const single = (sensitivity(event.adjacency) / event.noiseMultiplier) ** 2;
  switch (event.kind) {
    case "gaussian":
      return single;
    case "poisson-gaussian":
      if (event.samplingRate === 0) return 0;
      return event.samplingRate === 1 ? single : undefined;
    case "allocated-gaussian":
      return event.block === 1 ? single : undefined;
    case "fixed-size-gaussian":
      return event.cohort === event.population ? single : undefined;
    case "tree-gaussian":
      return event.participations * treeDepth(event.steps) * single;
    case "laplace":
      return undefined;
  }
}

/**
 * Nodes of a binary tree over `steps` leaves that one leaf is part of, at most: ceil(log2(steps + 1)) (P. Kairouz,
 * B. McMahan, S. Song, O. Thakkar, A. Thakurta, Z. Xu, "Practical and Private (Deep) Learning without Sampling or
 * Shuffling", ICML 2021, arXiv:2103.00039, Theorem 4.1).
 */
export function treeDepth(steps: number): number {
  let depth = 0;
  for (let nodes = steps; nodes >= 1; nodes = Math.floor(nodes / 2)) depth++;
  return depth;
}

/**
 * The exact delta at epsilon of Gaussian noise: Phi(mu/2 - eps/mu) - e^eps Phi(-mu/2 - eps/mu) (B. Balle, Y.-X. Wang,
 * "Improving the Gaussian Mechanism for Differential Privacy", ICML 2018, arXiv:1805.06530, Theorem 8).
 *
 * @param mu sensitivity over the standard deviation of the noise
 * @example
 * ```ts
 * import { gaussianDelta } from "@anabranch/core";
 * gaussianDelta(1, 1); // => 0.12694
 * ```
 */
export function gaussianDelta(mu: number, epsilon: number): number {
  if (mu === 0) return 0;
  if (mu === Number.POSITIVE_INFINITY) return 1;
  const first = logNormalCdf(mu / 2 - epsilon / mu);
  const second = epsilon + logNormalCdf(-mu / 2 - epsilon / mu);
  const difference = mu < MUCH_NOISE ? smallDifference(mu, epsilon / mu) : second - first;
  return Math.max(0, -Math.exp(first) * Math.expm1(difference));
}

/** Below this mu the two logarithms differ in their last digits alone. */
const MUCH_NOISE = 1e-3;

/**
 * mu x + ln Phi(-mu/2 - x) - ln Phi(mu/2 - x) by the first terms of its series in mu, the next one below 1e-15 of it: with
 * h = phi / Phi, it is -mu (h(-x) - x) - mu^3 h''(-x) / 24.
 */
function smallDifference(mu: number, x: number): number {
  const h = Math.sqrt(2 / Math.PI) / erfcxValue(x * Math.SQRT1_2);
  const more = h - x;
  const second = h * (more * more + h * more - 1);
  return -mu * (more + (mu * mu * second) / 24);
}

/**
 * The smallest epsilon >= 0 whose `gaussianDelta` is at most delta, by bisection to the last bits, from above.
 *
 * @example
 * ```ts
 * import { gaussianEpsilon } from "@anabranch/core";
 * gaussianEpsilon(1, 1e-5); // => 4.3772
 * ```
 */
export function gaussianEpsilon(mu: number, delta: number): number {
  if (mu === Number.POSITIVE_INFINITY) return mu;
  if (gaussianDelta(mu, 0) <= delta) return 0;
  let low = 0;
  let high = 1;
  while (gaussianDelta(mu, high) > delta) high *= 2;
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return high;
    if (gaussianDelta(mu, middle) > delta) low = middle;
    else high = middle;
  }
}
