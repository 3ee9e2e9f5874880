import { AnabranchError } from "@anabranch/engine";

/** Width of the window, its standard deviation in pixels, and the constants of the index. */
const [WINDOW, DEVIATION, K1, K2] = [11, 1.5, 0.01, 0.03];

/** The window along one axis, sum 1. */
const WEIGHTS = ((): Float64Array => {
  const middle = (WINDOW - 1) / 2;
  const raw = Float64Array.from({ length: WINDOW }, (_, i) => Math.exp(-((i - middle) ** 2) / (2 * DEVIATION ** 2)));
  const total = raw.reduce((sum, weight) => sum + weight, 0);
  return raw.map((weight) => weight / total);
})();

/** Whether an image is as large as the window. */
export function hasSimilarity(height: number, width: number): boolean {
  return height >= WINDOW && width >= WINDOW;
}

/**
 * Structural similarity of two images [height, width] of values in [0, 1]: the mean over all windows that lie inside, with
 * biased variances. 1: equal.
 *
 * Citation: Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image Quality Assessment: From Error Visibility to
 * Structural Similarity", IEEE TIP 13, 2004, equation 13; window 11 x 11, Gaussian of deviation 1.5, K1 0.01, K2 0.03.
 *
 * @throws `audit/image` where an image is smaller than the window
 * @example
 * ```ts
 * import { structuralSimilarity } from "@anabranch/core";
 * const image = Float64Array.from({ length: 144 }, (_, i) => (i % 5) / 5);
 * structuralSimilarity(image, image, 12, 12); // => 1
 * ```
 */
export function structuralSimilarity(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  height: number,
  width: number,
): number {
  if (!hasSimilarity(height, width)) {
    throw new AnabranchError({
      code: "audit/image",
      message: "the image is smaller than the window of structural similarity",
      received: `${height} x ${width}`,
      expected: `at least ${WINDOW} x ${WINDOW}`,
    });
  }
  const blur = (of: (i: number) => number) => blurred(of, height, width);
  const [meanA, meanB] = [blur((i) => a[i]!), blur((i) => b[i]!)];
  const [squareA, squareB] = [blur((i) => a[i]! ** 2), blur((i) => b[i]! ** 2)];
  const products = blur((i) => a[i]! * b[i]!);
  const [c1, c2] = [K1 ** 2, K2 ** 2];
  let total = 0;
  for (let i = 0; i < meanA.length; i++) {
    const [ma, mb] = [meanA[i]!, meanB[i]!];
    const covariance = products[i]! - ma * mb;
    const variances = squareA[i]! - ma ** 2 + squareB[i]! - mb ** 2;
    total += ((2 * ma * mb + c1) * (2 * covariance + c2)) / ((ma ** 2 + mb ** 2 + c1) * (variances + c2));
  }
  return total / meanA.length;
}

/** Weighted means over the windows that lie inside, rows then columns. */
function blurred(of: (i: number) => number, height: number, width: number): Float64Array {
  const [rows, columns] = [height - WINDOW + 1, width - WINDOW + 1];
  const across = new Float64Array(height * columns);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < columns; x++) {
      let sum = 0;
      for (let k = 0; k < WINDOW; k++) sum += WEIGHTS[k]! * of(y * width + x + k);
      across[y * columns + x] = sum;
    }
  }
  const out = new Float64Array(rows * columns);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      let sum = 0;
      for (let k = 0; k < WINDOW; k++) sum += WEIGHTS[k]! * across[(y + k) * columns + x]!;
      out[y * columns + x] = sum;
    }
  }
  return out;
}
