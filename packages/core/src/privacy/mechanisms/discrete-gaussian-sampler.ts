import { AnabranchError } from "@anabranch/engine";
import type { RandomStream } from "../../random/index.ts";

type Coins = Pick<RandomStream, "uint32">;

/** Variances are counted in sixteenths, so that a share can be rounded up with little loss and stays a whole number. */
export const SIXTEENTHS = 16;

/** 2^28: sixteenths of it fill 32 bits, and every product below stays a whole number of at most 53. */
export const LARGEST_VARIANCE = 2 ** 28;

/** Digits of random words are compared 16 bits at a time: 2^16 times a denominator of 2^37 is exact in a double. */
const DIGIT = 2 ** 16;

/**
 * Draws of the discrete Gaussian, P(x) proportional to exp(-x^2 / (2 variance)) on the whole numbers, exactly: the method
 * of C. Canonne, G. Kamath, T. Steinke (NeurIPS 2020, arXiv:2004.00010, Algorithms 1 to 3) in whole numbers that doubles hold without rounding.
 *
 * With variance = v / 16, proposals are discrete Laplace variates of scale v / c, c = 4 sqrt(v) rounded, so that the
 * chance to keep y is exp(-(16 |y| - c)^2 / (32 v)). A product could pass 2^53 only for |y| beyond 350 deviations, which
 * has a probability below 1e-100.
 *
 * @param variance a multiple of 1/16, above 0 and at most 2^28
 * @throws `privacy/variance`
 * @example
 * ```ts
 * import { discreteGaussianSampler, randomStream, rootKey } from "@anabranch/core";
 * const draw = discreteGaussianSampler(4);
 * Number.isInteger(draw(randomStream(rootKey(1)))); // => true
 * ```
 */
export function discreteGaussianSampler(variance: number): (coins: Coins) => number {
  const v = variance * SIXTEENTHS;
  if (!(Number.isInteger(v) && v > 0 && variance <= LARGEST_VARIANCE)) throw impossible(variance);
  const c = Math.max(1, Math.round(4 * Math.sqrt(v)));
  const denominator = 2 * SIXTEENTHS * v;
  return (coins) => {
    for (;;) {
      const y = laplace(coins, v, c);
      const distance = SIXTEENTHS * Math.abs(y) - c;
      if (keptWithExp(coins, distance * distance, denominator)) return y;
    }
  };
}

/** P(y) proportional to exp(-|y| c / v) on the whole numbers (Algorithm 2), for 1 <= v <= 2^32. */
function laplace(coins: Coins, v: number, c: number): number {
  // Uniform over 0 to v - 1 by rejection among as many bits as v - 1 has: remainders of doubles are slow.
  const unused = Math.min(31, Math.clz32(v - 1));
  for (;;) {
    let u = coins.uint32() >>> unused;
    while (u >= v) u = coins.uint32() >>> unused;
    if (!keptWithExp(coins, u, v)) continue;
    let whole = 0;
    while (keptWithInverseE(coins)) whole++;
    const size = Math.floor((u + v * whole) / c);
    const negative = coins.uint32() >= 2 ** 31;
    if (!(negative && size === 0)) return negative ? -size : size;
  }
}

/** True with probability exp(-a / b) (Algorithm 1), for whole numbers a >= 0 and 0 < b <= 2^37. */
function keptWithExp(coins: Coins, a: number, b: number): boolean {
  let rest = a;
  for (; rest > b; rest -= b) if (!keptWithInverseE(coins)) return false;
  let k = 1;
  while (lessThan(coins, rest, b) && oneIn(coins, k)) k++;
  return k % 2 === 1;
}

/** True with probability 1 / e: `keptWithExp` at 1, whose first coin is certain. */
function keptWithInverseE(coins: Coins): boolean {
  let k = 2;
  while (oneIn(coins, k)) k++;
  return k % 2 === 1;
}

/** True with probability 1 / k: one of k equal runs of words; the few words beyond them are drawn again. */
function oneIn(coins: Coins, k: number): boolean {
  if (k === 1) return true;
  const run = Math.floor(2 ** 32 / k);
  let word = coins.uint32();
  while (word >= run * k) word = coins.uint32();
  return word < run;
}

/**
 * True with probability a / b, for whole numbers a >= 0 and 0 < b <= 2^37: the binary digits of a uniform number are held
 * against those of a / b until they differ.
 */
export function lessThan(coins: Coins, a: number, b: number): boolean {
  if (a >= b) return true;
  let rest = a;
  for (;;) {
    const word = coins.uint32();
    for (let drawn = word >>> 16, half = 0; half < 2; half++, drawn = word & 0xffff) {
      const shifted = rest * DIGIT;
      // The quotient is below 2^16, so that its last bit is right but where the division rounds up to a whole number.
      let digit = Math.floor(shifted / b);
      if (digit * b > shifted) digit--;
      if (drawn !== digit) return drawn < digit;
      rest = shifted - digit * b;
    }
  }
}

function impossible(variance: number): AnabranchError {
  return new AnabranchError({
    code: "privacy/variance",
    message: "this variance cannot be sampled exactly with 53-bit integers",
    received: String(variance),
    expected: `a multiple of 1/${SIXTEENTHS} above 0, at most ${LARGEST_VARIANCE}`,
  });
}
