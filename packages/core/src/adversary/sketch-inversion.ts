import { deriveKey, type RandomKey, randomStream } from "../random/index.ts";
import { type LeastSquares, levenbergMarquardt, type Residuals } from "./levenberg-marquardt.ts";

/** A client's gradient as a server sees it that knows the sketch. */
export interface SketchedGradient {
  /** Rows of the softmax regression, [classes][d]. */
  readonly weights: readonly ArrayLike<number>[];
  readonly label: number;
  /** R v, [b], from v [classes * d], row by row. */
  sketch(vector: Float64Array): Float64Array;
  /** R times the gradient of the client, [b]. */
  readonly observed: ArrayLike<number>;
}

export interface InversionOptions {
  /** Starts that are tried where the first one ends away from the sketch. Default 24. */
  readonly restarts?: number;
  /** Of these starts. */
  readonly key?: RandomKey;
}

/**
 * What example a sketched gradient was made of: min over x of |R grad F(W; x, label) - y|^2. The sketch alone hides
 * nothing, as few gradients can be reached: about two numbers for each unknown are enough.
 * Z. Song, Y. Wang, Z. Yu, L. Zhang, "Sketching for First Order Method: Efficient Algorithm for Low-Bandwidth Channel and
 * Vulnerability", ICML 2023, arXiv:2210.08371, section 7.
 *
 * @param start x at first, [d]; where it fails, drawn ones follow
 * @returns x [d] and the sum of squares that is left
 */
export function invertSketch(
  gradient: SketchedGradient,
  start: Float64Array,
  { restarts = 24, key = [0, 0] }: InversionOptions = {},
): LeastSquares {
  const residuals = (x: Float64Array) => sketchResiduals(gradient, x);
  const enough = 1e-20 * Array.from(gradient.observed).reduce((sum, value) => sum + value * value, 1e-300);
  let best = levenbergMarquardt(residuals, start);
  for (let i = 0; i < restarts && best.squares > enough; i++) {
    const stream = randomStream(deriveKey(key, "start", i));
    const other = start.map(() => 4 * stream.float() - 2);
    const found = levenbergMarquardt(residuals, other);
    if (found.squares < best.squares) best = found;
  }
  return best;
}

/** (softmax(W x) - onehot) x^T, row by row, [classes * d]. */
export function regressionGradient(
  weights: readonly ArrayLike<number>[],
  label: number,
  x: Float64Array,
): Float64Array {
  const error = softmax(weights, x);
  error[label]! -= 1;
  return outer(error, x);
}

function sketchResiduals({ weights, label, sketch, observed }: SketchedGradient, x: Float64Array): Residuals {
  const probabilities = softmax(weights, x);
  const error = probabilities.slice();
  error[label]! -= 1;
  const values = sketch(outer(error, x)).map((value, i) => value - observed[i]!);
  const columns = Array.from(x, (_, j) => {
    const mean = probabilities.reduce((sum, p, c) => sum + p * weights[c]![j]!, 0);
    const slope = probabilities.map((p, c) => p * (weights[c]![j]! - mean));
    const derivative = outer(slope, x);
    for (const [c, e] of error.entries()) derivative[c * x.length + j]! += e;
    return sketch(derivative);
  });
  return { values, columns };
}

function softmax(weights: readonly ArrayLike<number>[], x: Float64Array): Float64Array {
  const logits = Float64Array.from(weights, (row) => x.reduce((sum, value, j) => sum + row[j]! * value, 0));
  const top = Math.max(...logits);
  const powers = logits.map((value) => Math.exp(value - top));
  const total = powers.reduce((sum, value) => sum + value, 0);
  return powers.map((value) => value / total);
}

function outer(rows: Float64Array, x: Float64Array): Float64Array {
  const matrix = new Float64Array(rows.length * x.length);
  for (const [c, row] of rows.entries()) {
    for (let j = 0; j < x.length; j++) matrix[c * x.length + j] = row * x[j]!;
  }
  return matrix;
}
