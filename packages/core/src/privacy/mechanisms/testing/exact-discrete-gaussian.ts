import { AnabranchError } from "@anabranch/engine";
import type { RandomStream } from "../../../random/index.ts";

type Coins = Pick<RandomStream, "uint32">;

/**
 * One exact draw of the discrete Gaussian: P(x) proportional to exp(-x^2 / (2 sigma^2)) on the whole numbers.
 *
 * C. Canonne, G. Kamath, T. Steinke, "The Discrete Gaussian for Differential Privacy", NeurIPS 2020, arXiv:2004.00010
 * (Algorithms 1 to 3). Only whole numbers are computed with (as big as they need to be), so that no rounding shifts a
 * probability and nothing can be read from last bits. Time per draw depends on the draw, as in the paper.
 *
 * @param variance sigma^2 as a fraction of whole numbers, [numerator, denominator]
 */
export function discreteGaussian(coins: Coins, variance: readonly [bigint, bigint]): bigint {
  const [numerator, denominator] = variance;
  requirePositive(numerator, denominator);
  const t = floorRoot(numerator / denominator) + 1n;
  for (;;) {
    const y = discreteLaplace(coins, t);
    // accepted with probability exp(-(|y| - sigma^2 / t)^2 / (2 sigma^2)), over the common denominator
    const distance = magnitude(y) * t * denominator - numerator;
    const exponent = distance * distance;
    if (bernoulliExp(coins, exponent, 2n * numerator * denominator * t * t)) return y;
  }
}

/** P(y) proportional to exp(-|y| / t) on the whole numbers, exactly; t >= 1 (Algorithm 2 with s = 1). */
export function discreteLaplace(coins: Coins, t: bigint): bigint {
  for (;;) {
    const u = below(coins, t);
    if (!bernoulliExp(coins, u, t)) continue;
    let v = 0n;
    while (bernoulliExp(coins, 1n, 1n)) v++;
    const size = u + t * v;
    const negative = below(coins, 2n) === 1n;
    if (!(negative && size === 0n)) return negative ? -size : size;
  }
}

/** True with probability exp(-a / b), exactly, for a >= 0 and b > 0 (Algorithm 1). */
export function bernoulliExp(coins: Coins, a: bigint, b: bigint): boolean {
  let rest = a;
  for (; rest > b; rest -= b) if (!bernoulliExp(coins, 1n, 1n)) return false;
  let k = 1n;
  while (below(coins, b * k) < rest) k++;
  return k % 2n === 1n;
}

/** Uniform over 0 to n - 1, exactly, by rejection. */
export function below(coins: Coins, n: bigint): bigint {
  const words = Math.ceil((n - 1n).toString(2).length / 32);
  const range = 1n << BigInt(32 * words);
  const limit = range - (range % n);
  for (;;) {
    let value = 0n;
    for (let i = 0; i < words; i++) value = (value << 32n) | BigInt(coins.uint32());
    if (value < limit) return value % n;
  }
}

/** The largest whole number whose square is at most n. */
function floorRoot(n: bigint): bigint {
  let root = BigInt(Math.floor(Math.sqrt(Number(n))));
  while (root * root > n) root--;
  while ((root + 1n) * (root + 1n) <= n) root++;
  return root;
}

function magnitude(y: bigint): bigint {
  return y < 0n ? -y : y;
}

function requirePositive(numerator: bigint, denominator: bigint): void {
  if (numerator > 0n && denominator > 0n) return;
  throw new AnabranchError({
    code: "privacy/variance",
    message: "the variance of a discrete Gaussian is a positive fraction",
    received: `${numerator} / ${denominator}`,
    expected: "two integers above 0",
  });
}
