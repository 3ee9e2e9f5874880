/**
 * Minimal filtering (Winograd) matrices. F(m, r) computes m outputs of a correlation with r taps from n = m + r - 1
 * inputs by n products: y = A^T [(G g) . (B^T d)], with A, B, G from the Cook-Toom construction over chosen points.
 * A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016, arXiv:1509.09308, section 4;
 * the points are those with the smallest float32 error (B. Barabasz et al., "Error Analysis and Improving the Accuracy of
 * Winograd Convolution for Deep Neural Networks", ACM TOMS 46(4), 2020, arXiv:1803.10986).
 */
export interface Winograd {
  /** Outputs of a tile. */
  readonly m: number;
  /** Inputs of a tile, and products. */
  readonly n: number;
  /** [m][n] */
  readonly outputs: readonly (readonly number[])[];
  /** [n][r] */
  readonly weights: readonly (readonly number[])[];
  /** [n][n] */
  readonly inputs: readonly (readonly number[])[];
}

/** Interpolation points of F(4, r); infinity is the last one of every set. */
const points: Readonly<Record<number, readonly number[]>> = {
  3: [0, 1, -1, 2, -0.5],
  5: [0, 1, -1, 2, -2, 0.5, -0.5],
};

/** Kernel extents that have a transform. */
export function hasWinograd(taps: number): boolean {
  return points[taps] !== undefined;
}

/** F(4, taps) for 3 or 5 taps. */
export function winograd(taps: number): Winograd {
  const finite = points[taps]!;
  const m = 4;
  const n = m + taps - 1;
  const others = (i: number) => finite.filter((_, k) => k !== i);
  const scale = finite.map((a, i) => others(i).reduce((product, b) => product * (a - b), 1));
  const power = (i: number, exponent: number, last: number) =>
    i < n - 1 ? finite[i]! ** exponent : exponent === last ? 1 : 0;
  return {
    m,
    n,
    outputs: table(m, n, (i, j) => power(j, i, m - 1)),
    weights: table(n, taps, (i, j) => power(i, j, taps - 1) / (scale[i] ?? 1)),
    // row i: coefficients of the polynomial with roots at the other points
    inputs: Array.from({ length: n }, (_, i) => {
      const roots = i < n - 1 ? others(i) : finite;
      const coefficients = expand(roots);
      return Array.from({ length: n }, (_, j) => coefficients[j] ?? 0);
    }),
  };
}

/** Coefficients, lowest power first, of the monic polynomial with the given roots. */
function expand(roots: readonly number[]): number[] {
  const coefficients = [1];
  for (const root of roots) {
    coefficients.push(0);
    for (let d = coefficients.length - 1; d >= 0; d--) {
      coefficients[d] = (coefficients[d - 1] ?? 0) - root * coefficients[d]!;
    }
  }
  return coefficients;
}

function table(rows: number, columns: number, value: (row: number, column: number) => number): number[][] {
  return Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => value(i, j)));
}

/** A matrix as ONNX takes it. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

export function matrix(rows: number, columns: number): Matrix {
  return { rows, columns, data: new Float64Array(rows * columns) };
}

export function transposed(a: Matrix): Matrix {
  const out = matrix(a.columns, a.rows);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < a.columns; j++) out.data[j * a.rows + i] = a.data[i * a.columns + j]!;
  }
  return out;
}

/**
 * All tiles of one axis at once. Rows and columns of the transformed side are ordered (product, tile): products of
 * different kinds lie apart, so that one batched matrix product serves them.
 *
 * @returns `inputs` [n tiles, extent]: B^T of every tile (padding is left out); `outputs` [positions, n tiles]: A^T of every tile
 */
export function axisTransforms(
  w: Winograd,
  extent: number,
  positions: number,
  pad: number,
): { readonly tiles: number; readonly inputs: Matrix; readonly outputs: Matrix } {
  const tiles = Math.ceil(positions / w.m);
  const inputs = matrix(w.n * tiles, extent);
  const outputs = matrix(positions, w.n * tiles);
  for (let k = 0; k < w.n; k++) {
    for (let tile = 0; tile < tiles; tile++) {
      const line = k * tiles + tile;
      for (let j = 0; j < w.n; j++) {
        const at = tile * w.m + j - pad;
        if (at >= 0 && at < extent) inputs.data[line * extent + at] = w.inputs[k]![j]!;
      }
      for (let j = 0; j < w.m && tile * w.m + j < positions; j++) {
        outputs.data[(tile * w.m + j) * outputs.columns + line] = w.outputs[j]![k]!;
      }
    }
  }
  return { tiles, inputs, outputs };
}

/** Kronecker product of the weight transforms of both axes: [n n', r r']. */
export function weightTransform(y: Winograd, x: Winograd): Matrix {
  const [ry, rx] = [y.weights[0]!.length, x.weights[0]!.length];
  const out = matrix(y.n * x.n, ry * rx);
  for (let row = 0; row < out.rows; row++) {
    for (let column = 0; column < out.columns; column++) {
      const [a, b] = [Math.floor(row / x.n), row % x.n];
      const [i, j] = [Math.floor(column / rx), column % rx];
      out.data[row * out.columns + column] = y.weights[a]![i]! * x.weights[b]![j]!;
    }
  }
  return out;
}
