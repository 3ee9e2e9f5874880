import type { RandomStream } from "../../random/index.ts";

export type Uniforms = Pick<RandomStream, "float">;

/** Below this mean uniforms are multiplied; the rejection method is made for means of 10 and more. */
const SMALL = 16;

/**
 * Draws of the Poisson distribution, in a time that does not grow with the mean.
 *
 * From mean 16 on by transformed rejection (W. Hörmann, "The transformed rejection method for generating Poisson random
 * variables", Insurance: Mathematics and Economics 12, 1993, algorithm PTRS); below by multiplying uniforms until the
 * product falls to exp(-mean) (D. Knuth, TAOCP 2, 3.4.1). The methods are exact, but their numbers are doubles: for means
 * up to 1e8 every probability is right to about 1e-11 of itself, and values that are less likely than about 1e-15 do not
 * come at all.
 */
export function poissonNoise(mean: number): (uniforms: Uniforms) => number {
  if (mean < SMALL) return byProducts(Math.exp(-mean));
  const { a, b, ceiling, sure, centre } = hat(mean);
  return (uniforms) => {
    for (;;) {
      const u = uniforms.float() - 0.5;
      const v = 1 - uniforms.float();
      const fromEnd = 0.5 - Math.abs(u);
      const k = Math.floor(((2 * a) / fromEnd + b) * u + centre);
      if (fromEnd >= 0.07 && v <= sure) return k;
      if (k < 0 || (fromEnd < 0.013 && v > fromEnd)) continue;
      if (Math.log((v * ceiling) / (a / (fromEnd * fromEnd) + b)) <= logPoisson(k, mean)) return k;
    }
  };
}

/**
 * The constants of PTRS: the shape of its hat (a, b, 1 / alpha), and below which v no value near the middle is refused.
 * The published 1 / alpha falls short of the hat that is needed by up to 0.54 % at some means below 1,000, where single
 * probabilities would be too small by as much; it is raised by 1 % here, and the other constant lowered accordingly.
 */
export function hat(mean: number) {
  const b = 0.931 + 2.53 * Math.sqrt(mean);
  return {
    a: -0.059 + 0.02483 * b,
    b,
    ceiling: 1.01 * (1.1239 + 1.1328 / (b - 3.4)),
    sure: 0.9157 - 3.6224 / (b - 2),
    centre: mean + 0.43,
  };
}

/**
 * ln(mean^k e^-mean / k!) without the cancellation of its three terms: Stirling's series, and the deviance of k from the
 * mean through log1p (C. Loader, "Fast and Accurate Computation of Binomial Probabilities", 2000).
 */
export function logPoisson(k: number, mean: number): number {
  if (k < SMALL) {
    let factorial = 1;
    for (let i = 2; i <= k; i++) factorial *= i;
    return k * Math.log(mean) - mean - Math.log(factorial);
  }
  const x = (k - mean) / mean;
  const deviance = mean * ((1 + x) * Math.log1p(x) - x);
  const square = k * k;
  const stirling = (1 / 12 - (1 / 360 - (1 / 1260 - 1 / (1680 * square)) / square) / square) / k;
  return -0.5 * Math.log(2 * Math.PI * k) - deviance - stirling;
}

function byProducts(threshold: number): (uniforms: Uniforms) => number {
  return (uniforms) => {
    let count = 0;
    for (let product = 1 - uniforms.float(); product > threshold; product *= 1 - uniforms.float()) count++;
    return count;
  };
}
