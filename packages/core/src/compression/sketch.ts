import { type CompressionContext, type Compressor, nestedTraits, type Sketch } from "./compressor.ts";
import { plainFloats } from "./floats.ts";
import { transformOf } from "./hadamard.ts";
import { rememberedTable } from "./remembered-tables.ts";

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
  const draw = (n: number, context: CompressionContext) => {
    if (context.sketch !== undefined) return context.sketch;
    const drawn = () => drawSketch(family, n, sizeOf(n), context);
    // operators that go on with the stream need it where the table ends
    if (context.key === undefined || inner !== plainFloats) return drawn();
    return rememberedTable([family, n, sizeOf(n), ...context.key].join(), n, drawn);
  };
  const own = { linear: true, unbiased: true, contractive: false, sharesDraws: true, oneTable: true };
  return {
    traits: nestedTraits(own, inner.traits),
    encode: (vector, context) => inner.encode(draw(vector.length, context).apply(vector), context),
    decode(bytes, out, context) {
      const sketch = draw(out.length, context);
      const values = new Float64Array(sketch.size);
      inner.decode(bytes, values, context);
      sketch.transpose(values, out);
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
    transpose(sketch, out) {
      for (let j = 0; j < out.length; j++) out[j] = signs[j]! * sketch[buckets[j]!]!;
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
      const transform = transformOf(signs.length);
      const { row, stride, numbers } = transform;
      transform.run(Math.ceil(n / row), (r, to) => {
        const begin = r * row;
        const end = Math.min(begin + row, n);
        for (let j = begin; j < end; j++) numbers[to + j - begin] = signs[j]! * vector[j]!;
        if (end < begin + row) numbers.fill(0, to + end - begin, to + row);
      });
      const sketch = new Float64Array(rows.length);
      for (let i = 0; i < rows.length; i++) sketch[i] = scale * numbers[placeOf(rows[i]!, row, stride)]!;
      return sketch;
    },
    transpose(sketch, out) {
      const transform = transformOf(signs.length);
      const { row, stride, numbers } = transform;
      numbers.fill(0);
      for (let i = 0; i < rows.length; i++) numbers[placeOf(rows[i]!, row, stride)]! += scale * sketch[i]!;
      transform.run();
      for (let begin = 0, from = 0; begin < n; begin += row, from += stride) {
        const end = Math.min(begin + row, n);
        for (let j = begin; j < end; j++) out[j] = numbers[from + j - begin]! * signs[j]!;
      }
    },
  };
}

/** Where a number lies among rows of a power of two that begin `stride` apart. */
function placeOf(j: number, row: number, stride: number): number {
  return (j & (row - 1)) + Math.floor(j / row) * stride;
}

/** A dense matrix [b][n]. */
export function denseSketch(matrix: readonly ArrayLike<number>[]): Sketch {
  return {
    size: matrix.length,
    apply(vector) {
      return Float64Array.from(matrix, (row) => {
        let sum = 0;
        for (let j = 0; j < vector.length; j++) sum += row[j]! * vector[j]!;
        return sum;
      });
    },
    transpose(sketch, out) {
      const vector = new Float64Array(out.length);
      for (const [i, row] of matrix.entries()) {
        for (let j = 0; j < vector.length; j++) vector[j]! += row[j]! * sketch[i]!;
      }
      out.set(vector);
    },
  };
}

function drawSketch(family: SketchFamily, n: number, b: number, { stream }: CompressionContext): Sketch {
  const drawn = (length: number, below: number) => {
    const numbers = new Uint32Array(length);
    stream.belows(numbers, below);
    return numbers;
  };
  const signs = (length: number) => {
    const bits = drawn(length, 2);
    const values = new Int8Array(length);
    for (let j = 0; j < length; j++) values[j] = 1 - 2 * bits[j]!;
    return values;
  };
  switch (family) {
    case "count-sketch":
      return countSketch(b, drawn(n, b), signs(n));
    case "srht": {
      const d = 2 ** Math.ceil(Math.log2(Math.max(1, n)));
      const rows = drawn(b, d);
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
