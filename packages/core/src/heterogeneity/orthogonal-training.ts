import { product, qr, transposed, truncatedSvd } from "@anabranch/engine";

/** An orthonormal basis of the inputs that a layer saw in earlier tasks: [a, k], row-major; k may be 0. */
export interface InputBasis {
  readonly inputs: number;
  readonly rank: number;
  readonly vectors: Float64Array;
}

/** A matrix in rows. */
export interface RowMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
}

/**
 * No task yet.
 *
 * @example
 * ```ts
 * import { emptyBasis } from "@anabranch/core";
 * emptyBasis(3).rank; // => 0
 * ```
 */
export function emptyBasis(inputs: number): InputBasis {
  return { inputs, rank: 0, vectors: new Float64Array(0) };
}

/**
 * U U^T, [a, a]: what projects on the known inputs.
 *
 * @example
 * ```ts
 * import { projectorOf } from "@anabranch/core";
 * projectorOf({ inputs: 2, rank: 1, vectors: Float64Array.of(1, 0) }); // => [1, 0, 0, 0]
 * ```
 */
export function projectorOf({ inputs, rank, vectors }: InputBasis): Float64Array {
  if (rank === 0) return new Float64Array(inputs * inputs);
  return product(vectors, transposed(vectors, inputs, rank), inputs, rank, inputs);
}

/**
 * X - U U^T X for columns of inputs X [a, n].
 *
 * @example
 * ```ts
 * import { newInputs } from "@anabranch/core";
 * const basis = { inputs: 2, rank: 1, vectors: Float64Array.of(1, 0) };
 * newInputs(basis, { rows: 2, columns: 1, values: Float64Array.of(3, 4) }).values; // => [0, 4]
 * ```
 */
export function newInputs(basis: InputBasis, { rows, columns, values }: RowMatrix): RowMatrix {
  const known = product(projectorOf(basis), values, rows, rows, columns);
  return { rows, columns, values: values.map((value, i) => value - known[i]!) };
}

/** What a client sends at the end of a task: a sketch of its new inputs, and the part of its inputs that is new. */
export interface InputSketch {
  /** (X - U U^T X) R, [a, r]; only the sum over clients is needed. */
  readonly sketch: RowMatrix;
  /** |X - U U^T X|_F / |X|_F; 0 where there are no inputs. */
  readonly ratio: number;
  /** Number of columns of X. */
  readonly count: number;
}

/**
 * A client's sketch of what a layer saw.
 *
 * @param inputs X [a, n]
 * @param directions R [n, r], standard normal numbers
 *
 * @example
 * ```ts
 * import { emptyBasis, sketchInputs } from "@anabranch/core";
 * const inputs = { rows: 2, columns: 1, values: Float64Array.of(3, 4) };
 * const directions = { rows: 1, columns: 1, values: Float64Array.of(2) };
 * const { sketch, ratio } = sketchInputs(emptyBasis(2), inputs, directions);
 * sketch.values; // => [6, 8]
 * ratio; // => 1
 * ```
 */
export function sketchInputs(basis: InputBasis, inputs: RowMatrix, directions: RowMatrix): InputSketch {
  const fresh = newInputs(basis, inputs);
  const { rows, columns } = fresh;
  const values = product(fresh.values, directions.values, rows, columns, directions.columns);
  const length = frobenius(inputs.values);
  return {
    sketch: { rows, columns: directions.columns, values },
    ratio: length === 0 ? 0 : frobenius(fresh.values) / length,
    count: inputs.columns,
  };
}

/** A basis after a task, and how it came about. */
export interface ExtendedBasis {
  readonly basis: InputBasis;
  readonly meanRatio: number;
  /** Part of the sketch's energy that the new vectors must exceed. */
  readonly threshold: number;
  /** Squared singular values of the summed sketch, falling. */
  readonly spectrum: readonly number[];
  readonly added: number;
}

/**
 * The basis with the leading left singular vectors of the summed sketches: as few as hold more than the threshold of its
 * energy, (r - (1 - epsilon)) / r with the mean ratio r, and none where that is 0 or less.
 *
 * Y. F. Bakman, D. N. Yaldiz, Y. H. Ezzeldin, S. Avestimehr, "Federated Orthogonal Training: Mitigating Global Catastrophic
 * Forgetting in Continual Federated Learning", ICLR 2024, arXiv:2309.01289; ratios of norms, as in the released code.
 *
 * @param epsilon part of the input energy to protect, in (0, 1)
 *
 * @example
 * ```ts
 * import { emptyBasis, extendBasis, sketchInputs } from "@anabranch/core";
 * const inputs = { rows: 2, columns: 1, values: Float64Array.of(3, 0) };
 * const sketch = sketchInputs(emptyBasis(2), inputs, { rows: 1, columns: 1, values: Float64Array.of(1) });
 * const { basis, added } = extendBasis(emptyBasis(2), [sketch], 0.9);
 * added; // => 1
 * basis.vectors.map(Math.abs); // => [1, 0]
 * ```
 */
export function extendBasis(basis: InputBasis, sketches: readonly InputSketch[], epsilon: number): ExtendedBasis {
  const count = sketches.reduce((sum, one) => sum + one.count, 0);
  const meanRatio = sketches.reduce((sum, one) => sum + (count === 0 ? 0 : one.count / count) * one.ratio, 0);
  const threshold = meanRatio === 0 ? Number.NEGATIVE_INFINITY : (meanRatio - (1 - epsilon)) / meanRatio;
  const { rows, columns } = sketches[0]!.sketch;
  const summed = new Float64Array(rows * columns);
  for (const { sketch } of sketches) for (let i = 0; i < summed.length; i++) summed[i]! += sketch.values[i]!;
  const { left, values } = truncatedSvd(summed, rows, columns, Math.min(rows, columns));
  const spectrum = Array.from(values, (value) => value * value);
  const added = Math.min(leadingCount(spectrum, threshold), rows - basis.rank);
  return { basis: joined(basis, left, added), meanRatio, threshold, spectrum, added };
}

/** Fewest leading values whose share of the sum is above a threshold. */
function leadingCount(spectrum: readonly number[], threshold: number): number {
  const total = spectrum.reduce((a, b) => a + b, 0);
  if (!(threshold > 0) || total === 0) return 0;
  let sum = 0;
  for (const [k, value] of spectrum.entries()) {
    sum += value;
    if (sum / total > threshold) return k + 1;
  }
  return spectrum.length;
}

/** The basis [a, k + added]; `left` has one singular vector in each row. */
function joined({ inputs, rank, vectors }: InputBasis, left: Float64Array, added: number): InputBasis {
  const wide = new Float64Array(inputs * (rank + added));
  for (let i = 0; i < inputs; i++) {
    for (let k = 0; k < rank; k++) wide[i * (rank + added) + k] = vectors[i * rank + k]!;
    for (let k = 0; k < added; k++) wide[i * (rank + added) + rank + k] = left[k * inputs + i]!;
  }
  if (added === 0) return { inputs, rank, vectors };
  return { inputs, rank: rank + added, vectors: qr(wide, inputs, rank + added).q };
}

/**
 * The part of an update of a layer that does not change its outputs on known inputs: D - D U U^T, [out, a].
 *
 * @example
 * ```ts
 * import { projectedUpdate } from "@anabranch/core";
 * const basis = { inputs: 2, rank: 1, vectors: Float64Array.of(1, 0) };
 * Array.from(projectedUpdate(basis, { rows: 1, columns: 2, values: Float64Array.of(5, 7) }).values); // => [0, 7]
 * ```
 */
export function projectedUpdate(basis: InputBasis, { rows, columns, values }: RowMatrix): RowMatrix {
  if (basis.rank === 0) return { rows, columns, values };
  const { rank, vectors } = basis;
  const along = product(values, vectors, rows, columns, rank);
  const known = product(along, transposed(vectors, columns, rank), rows, rank, columns);
  return { rows, columns, values: values.map((value, i) => value - known[i]!) };
}

function frobenius(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));
}
