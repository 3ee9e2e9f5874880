import { malformed } from "./bits.ts";
import { type Compressor, nestedTraits } from "./compressor.ts";
import { keptEntries } from "./density.ts";
import type { Operator } from "./error-feedback.ts";
import { plainFloats } from "./floats.ts";
import { keepEntries, placeEntries } from "./rand-k.ts";
import { largestEntries } from "./select.ts";
import { positionBytes, readPositions, writePositions } from "./sparse.ts";

/**
 * Top-k: the k entries of largest absolute value, zeros elsewhere. Contractive with a = k / n. The values come first, as
 * `inner` writes them, then their positions.
 * D. Alistarh, T. Hoefler, M. Johansson, N. Konstantinov, S. Khirirat, C. Renggli, "The Convergence of Sparsified Gradient
 * Methods", NeurIPS 2018.
 *
 * @param density share of the entries that is kept, above 0 and at most 1; at least one entry is
 * @example topK(0.01).encode(update, context) // 1 % of the entries with their positions
 */
export function topK(density: number, inner: Compressor = plainFloats): Compressor {
  return topEntries((n) => keptEntries(density, n), inner);
}

/** Positions of the entries in a vector [n] that `topK` has encoded, ascending. */
export function keptPositions(density: number, n: number, bytes: Uint8Array): Uint32Array {
  const k = keptEntries(density, n);
  return readPositions(bytes.subarray(bytes.length - positionBytes(k, n)), k, n);
}

/** Top-k with k by the length of the vector. */
export function topEntries(kept: (n: number) => number, inner: Compressor = plainFloats): Compressor {
  const own = { linear: false, unbiased: false, contractive: true, sharesDraws: false };
  return {
    traits: nestedTraits(own, inner.traits),
    encode(vector, context) {
      const n = vector.length;
      const compared = context.floatBytes === 4 && vector instanceof Float64Array ? new Float32Array(vector) : vector;
      const indices = largestEntries(compared, kept(n));
      const values = inner.encode(keepEntries(vector, indices, false), context);
      const positions = writePositions(indices, n);
      const bytes = new Uint8Array(values.length + positions.length);
      bytes.set(values);
      bytes.set(positions, values.length);
      return bytes;
    },
    decode(bytes, out, context) {
      const n = out.length;
      const k = kept(n);
      const end = bytes.length - positionBytes(k, n);
      if (end < 0) throw malformed("it is shorter than its positions");
      const indices = readPositions(bytes.subarray(end), k, n);
      const values = new Float64Array(k);
      inner.decode(bytes.subarray(0, end), values, context);
      placeEntries(values, indices, out);
    },
    largest: (n, floatBytes) => inner.largest(kept(n), floatBytes) + positionBytes(kept(n), n),
  };
}

/** The k entries of largest absolute value, zeros elsewhere. */
export function keepLargest(k: number): Operator {
  return (vector) => {
    const indices = largestEntries(vector, k);
    return placeEntries(keepEntries(vector, indices, false), indices, new Float64Array(vector.length));
  };
}
