/** How Rényi divergences become (epsilon, delta): the tight form is never worse. */
export type RdpConversion = "tight" | "classic";

/**
 * Orders 2, 3, ..., 256.
 *
 * @example
 * ```ts
 * import { integerOrders } from "@anabranch/core";
 * integerOrders.length > 10; // => true
 * ```
 */
export const integerOrders: readonly number[] = Array.from({ length: 255 }, (_, i) => i + 2);

/**
 * The integer orders and 1.1, 1.2, ..., 10.9: with little noise the best order lies near 2.
 *
 * @example
 * ```ts
 * import { fractionalOrders } from "@anabranch/core";
 * fractionalOrders.length > 10; // => true
 * ```
 */
export const fractionalOrders: readonly number[] = [
  ...Array.from({ length: 99 }, (_, i) => (i + 11) / 10).filter((order) => !Number.isInteger(order)),
  ...integerOrders,
].sort((a, b) => a - b);

/**
 * epsilon at delta of a mechanism with a given divergence at one order.
 *
 * classic: divergence + ln(1/delta) / (order - 1) (I. Mironov, 2017, arXiv:1702.07476, Proposition 3).
 * tight: divergence + ln((order - 1) / order) - (ln delta + ln order) / (order - 1) (C. L. Canonne, G. Kamath,
 * T. Steinke, "The Discrete Gaussian for Differential Privacy", NeurIPS 2020, arXiv:2004.00010, Proposition 12).
 */
export function convertToEpsilon(
  conversion: RdpConversion,
  order: number,
  divergence: number,
  logDelta: number,
): number {
  if (conversion === "classic") return divergence - logDelta / (order - 1);
  return divergence + Math.log1p(-1 / order) - (logDelta + Math.log(order)) / (order - 1);
}

/** ln delta at epsilon: `convertToEpsilon` solved for it. */
export function convertToLogDelta(
  conversion: RdpConversion,
  order: number,
  divergence: number,
  epsilon: number,
): number {
  if (conversion === "classic") return (order - 1) * (divergence - epsilon);
  return (order - 1) * (divergence - epsilon + Math.log1p(-1 / order)) - Math.log(order);
}
