import type { Vector } from "../params/index.ts";
import { type CompressionContext, type Compressor, nestedTraits } from "./compressor.ts";
import { keptEntries } from "./density.ts";
import { plainFloats } from "./floats.ts";
import { wordPositions } from "./sparse.ts";

/**
 * Rand-k: k entries that are drawn without replacement, times n / k. Only values travel, as both sides draw the same
 * positions. Unbiased; `scaled: false` leaves out the factor and is contractive with a = k / n.
 * S. U. Stich, J.-B. Cordonnier, M. Jaggi, "Sparsified SGD with Memory", NeurIPS 2018.
 */
export function randK(
  density: number,
  { scaled = true }: { readonly scaled?: boolean | undefined } = {},
  inner: Compressor = plainFloats,
): Compressor {
  const draw = (n: number, context: CompressionContext) => drawEntries(keptEntries(density, n), n, context);
  const own = { linear: true, unbiased: scaled, contractive: !scaled, sharesDraws: true };
  return {
    traits: nestedTraits(own, inner.traits),
    encode(vector, context) {
      return inner.encode(keepEntries(vector, draw(vector.length, context), scaled), context);
    },
    decode(bytes, out, context) {
      const indices = draw(out.length, context);
      const values = new Float64Array(indices.length);
      inner.decode(bytes, values, context);
      placeEntries(values, indices, out);
    },
    largest: (n, floatBytes) => inner.largest(keptEntries(density, n), floatBytes),
  };
}

/** The entries at `indices`, times n / k where scaled. */
export function keepEntries(vector: Vector, indices: ArrayLike<number>, scaled: boolean): Float64Array<ArrayBuffer> {
  const factor = scaled ? vector.length / indices.length : 1;
  const kept = new Float64Array(indices.length);
  for (let i = 0; i < kept.length; i++) kept[i] = factor * vector[indices[i]!]!;
  return kept;
}

/** Writes values to their places in `out`. */
export function placeEntries<V extends Vector>(values: Float64Array, indices: ArrayLike<number>, out: V): V {
  for (let i = 0; i < values.length; i++) out[indices[i]!] = values[i]!;
  return out;
}

/** k different positions of n, ascending: Floyd's algorithm, k draws. */
export function drawEntries(k: number, n: number, { stream }: Pick<CompressionContext, "stream">): Uint32Array {
  const chosen = new Uint32Array(Math.ceil(n / 32)); // a bit for each position
  for (let last = n - k; last < n; last++) {
    const drawn = stream.below(last + 1);
    const repeated = (chosen[drawn >>> 5]! >>> (31 - (drawn & 31))) & 1;
    const position = repeated === 1 ? last : drawn;
    chosen[position >>> 5]! |= 0x80000000 >>> (position & 31);
  }
  return wordPositions(chosen, n);
}
