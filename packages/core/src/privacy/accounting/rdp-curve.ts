import { unsupported } from "./checks.ts";
import type { PrivacyEvent } from "./events.ts";
import { sensitivity, squaredMu } from "./gaussian.ts";
import { fixedSizeDivergences } from "./rdp-fixed-size.ts";
import { sampledGaussianDivergences } from "./rdp-sampled-gaussian.ts";
import { skellamDivergences } from "./rdp-skellam.ts";

/**
 * Rényi divergence of one occurrence of an event at every order; divergences of a composition add up (I. Mironov,
 * "Rényi Differential Privacy", CSF 2017, arXiv:1702.07476, Proposition 1).
 *
 * @param orders [n], each above 1
 * @returns [n]; infinite without noise
 * @example
 * ```ts
 * import { renyiDivergences } from "@anabranch/core";
 * const event = { kind: "gaussian", noiseMultiplier: 1, adjacency: "add-or-remove", count: 1 } as const;
 * const divergences = renyiDivergences(event, [2, 4]);
 * divergences; // => [1, 2]
 * ```
 */
export function renyiDivergences(event: PrivacyEvent, orders: readonly number[]): Float64Array {
  const gaussian = squaredMu(event);
  // Gaussian noise: order mu^2 / 2 (Proposition 7).
  if (gaussian !== undefined) return Float64Array.from(orders, (order) => (order * gaussian) / 2);
  if (event.kind === "zero-concentrated") return Float64Array.from(orders, (order) => order * event.rho);
  if (event.kind === "skellam") return skellamDivergences(event, orders);
  if (event.noiseMultiplier === 0) return new Float64Array(orders.length).fill(Number.POSITIVE_INFINITY);
  switch (event.kind) {
    case "poisson-gaussian":
      return sampledGaussianDivergences(event.samplingRate, event.noiseMultiplier, orders);
    case "fixed-size-gaussian":
      return fixedSizeDivergences(event.cohort / event.population, event.noiseMultiplier, orders);
    case "allocated-gaussian":
      throw unsupported("rdp", event, "no random allocation", 'Use the accountant "pld".');
    default: {
      const scale = event.noiseMultiplier / sensitivity(event.adjacency);
      return Float64Array.from(orders, (order) => laplaceDivergence(scale, order));
    }
  }
}

/**
 * Rényi divergence of Laplace noise, ln(a/(2a-1) e^((a-1)/b) + (a-1)/(2a-1) e^(-a/b)) / (a - 1) (arXiv:1702.07476,
 * Proposition 6).
 *
 * @param scale b, scale of the noise over the sensitivity in the 1-norm
 */
function laplaceDivergence(scale: number, order: number): number {
  const up = (order - 1) / scale;
  if (up > 1) {
    const rest = ((order - 1) / order) * Math.exp(-(2 * order - 1) / scale);
    return (up + Math.log(order / (2 * order - 1)) + Math.log1p(rest)) / (order - 1);
  }
  const gain = (order * Math.expm1(up) + (order - 1) * Math.expm1(-order / scale)) / (2 * order - 1);
  return Math.log1p(gain) / (order - 1);
}
