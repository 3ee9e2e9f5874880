import { type CompressionContext, type Compressor, nestedTraits, type Sketch } from "./compressor.ts";
import { plainFloats } from "./floats.ts";

export type SketchFamily = "count-sketch" | "srht" | "dense";

/**
 * A linear sketch with draws that all clients share in a round: sketches can be added, and so be summed by secure
 * aggregation. The receiver has R^T R v, whose mean over the draws is v.
 * Z. Song, Y. Wang, Z. Yu, L. Zhang, "Sketching for First Order Method: Efficient Algorithm for Low-Bandwidth Channel and
 * Vulnerability", ICML 2023. https://arxiv.org/abs/2210.08371
 *
 * @param share size of the sketch as a share of the vector, above 0 and at most 1
 */
export function linearSketch(family: SketchFamily, share: number, inner: Compressor = plainFloats): Compressor {
  const sizeOf = (n: number) => Math.min(n, Math.max(1, Math.floor(share * n + 1e-9)));
  const draw = (n: number, context: CompressionContext) => context.sketch ?? drawSketch(family, n, sizeOf(n), context);
  const own = { linear: true, unbiased: true, contractive: false, sharesDraws: true };
  return {
    traits: nestedTraits(own, inner.traits),
    encode: (vector, context) => inner.encode(draw(vector.length, context).apply(vector), context),
    decode(bytes, n, context) {
      const sketch = draw(n, context);
      return sketch.transpose(inner.decode(bytes, sketch.size, context));
    },
    largest: (n, floatBytes) => inner.largest(sizeOf(n), floatBytes),
  };
}

/** y_bucket(j) += sign_j v_j. */
export function countSketch(size: number, buckets: ArrayLike<number>, signs: ArrayLike<number>): Sketch {
  return {
    size,
    apply(vector) {
      const sketch = new Float64Array(size);
      for (let j = 0; j < vector.length; j++) sketch[buckets[j]!]! += signs[j]! * vector[j]!;
      return sketch;
    },
    transpose(sketch) {
      const vector = new Float64Array(buckets.length);
      for (let j = 0; j < vector.length; j++) vector[j] = signs[j]! * sketch[buckets[j]!]!;
      return vector;
    },
  };
}

/**
 * Subsampled randomised Hadamard transform: sqrt(d / b) times rows of (H / sqrt d) diag(signs), H in natural order.
 *
 * @param signs [d], d a power of two; a shorter vector is padded with zeros
 */
export function srht(n: number, signs: ArrayLike<number>, rows: ArrayLike<number>): Sketch {
  const scale = 1 / Math.sqrt(rows.length);
  return {
    size: rows.length,
    apply(vector) {
      const padded = new Float64Array(signs.length);
      for (let j = 0; j < n; j++) padded[j] = signs[j]! * vector[j]!;
      hadamard(padded);
      return Float64Array.from(rows, (row) => scale * padded[row]!);
    },
    transpose(sketch) {
      const padded = new Float64Array(signs.length);
      for (let i = 0; i < rows.length; i++) padded[rows[i]!]! += scale * sketch[i]!;
      hadamard(padded);
      const vector = padded.slice(0, n);
      for (let j = 0; j < n; j++) vector[j]! *= signs[j]!;
      return vector;
    },
  };
}

/** A dense matrix [b][n]. */
export function denseSketch(matrix: readonly ArrayLike<number>[]): Sketch {
  return {
    size: matrix.length,
    apply: (vector) => Float64Array.from(matrix, (row) => vector.reduce((sum, v, j) => sum + row[j]! * v, 0)),
    transpose(sketch) {
      const vector = new Float64Array(matrix[0]!.length);
      for (const [i, row] of matrix.entries()) {
        for (let j = 0; j < vector.length; j++) vector[j]! += row[j]! * sketch[i]!;
      }
      return vector;
    },
  };
}

/** The unnormalised transform in place, in natural order; the length is a power of two. */
function hadamard(x: Float64Array): void {
  for (let half = 1; half < x.length; half *= 2) {
    for (let begin = 0; begin < x.length; begin += 2 * half) {
      for (let i = begin; i < begin + half; i++) {
        const a = x[i]!;
        const b = x[i + half]!;
        x[i] = a + b;
        x[i + half] = a - b;
      }
    }
  }
}

function drawSketch(family: SketchFamily, n: number, b: number, { stream }: CompressionContext): Sketch {
  const signs = (length: number) => {
    const drawn = new Int8Array(length);
    for (let j = 0; j < length; j++) drawn[j] = stream.below(2) === 0 ? 1 : -1;
    return drawn;
  };
  switch (family) {
    case "count-sketch": {
      const buckets = new Uint32Array(n);
      for (let j = 0; j < n; j++) buckets[j] = stream.below(b);
      return countSketch(b, buckets, signs(n));
    }
    case "srht": {
      const d = 2 ** Math.ceil(Math.log2(Math.max(1, n)));
      const rows = Uint32Array.from({ length: b }, () => stream.below(d));
      return srht(n, signs(d), rows);
    }
    default: {
      // Entries of variance 1 / b from four fair bits: normal draws differ between JavaScript engines.
      const bit = () => stream.below(2);
      const entry = () => (bit() + bit() + bit() + bit() - 2) / Math.sqrt(b);
      return denseSketch(Array.from({ length: b }, () => Float64Array.from({ length: n }, entry)));
    }
  }
}
