import { type CompressionContext, type Compressor, nestedTraits } from "./compressor.ts";
import { keptEntries } from "./density.ts";
import { plainFloats } from "./floats.ts";

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
    decode(bytes, n, context) {
      const indices = draw(n, context);
      return placeEntries(inner.decode(bytes, indices.length, context), indices, n);
    },
    largest: (n, floatBytes) => inner.largest(keptEntries(density, n), floatBytes),
  };
}

/** The entries at `indices`, times n / k where scaled. */
export function keepEntries(vector: Float64Array, indices: ArrayLike<number>, scaled: boolean): Float64Array {
  const factor = scaled ? vector.length / indices.length : 1;
  return Float64Array.from(indices, (i) => factor * vector[i]!);
}

/** The vector [n] with these values at `indices` and zeros elsewhere. */
export function placeEntries(values: Float64Array, indices: ArrayLike<number>, n: number): Float64Array {
  const vector = new Float64Array(n);
  for (let i = 0; i < values.length; i++) vector[indices[i]!] = values[i]!;
  return vector;
}

/** k different positions of n, ascending: Floyd's algorithm, k draws. */
export function drawEntries(k: number, n: number, { stream }: Pick<CompressionContext, "stream">): Uint32Array {
  const chosen = new Set<number>();
  for (let last = n - k; last < n; last++) {
    const drawn = stream.below(last + 1);
    chosen.add(chosen.has(drawn) ? last : drawn);
  }
  return Uint32Array.from(chosen).sort();
}
