import { product, transposed } from "@anabranch/engine";
import { entryView, type Layout, type LayoutEntry, subLayout } from "../params/layout.ts";
import { partOf } from "../params/standing.ts";
import type { Vector } from "../params/vector.ts";
import { extentsOf } from "./low-rank-adapters.ts";
import type { AdapterPair, ModelAdapters } from "./model.ts";

/** A pair's places in a layout. */
export interface PairEntries {
  readonly weight: LayoutEntry | undefined;
  readonly a: LayoutEntry;
  readonly b: LayoutEntry;
  readonly core?: LayoutEntry | undefined;
  /** Of factors from pools, as in `AdapterPair`. */
  readonly shards?: AdapterPair["shards"];
}

/** The places of pairs whose factors are in a layout, in its order; the weight may lie elsewhere. */
export function entriesOfPairs({ entries }: Layout, pairs: readonly AdapterPair[]): PairEntries[] {
  const places = new Map(entries.map((entry) => [entry.name, entry]));
  return pairs.flatMap(({ weight, a, b, core, shards }) => {
    const [first, second] = [places.get(a), places.get(b)];
    const inner = { ...(core && { core: places.get(core) }), ...(shards && { shards }) };
    return first && second ? [{ weight: places.get(weight), a: first, b: second, ...inner }] : [];
  });
}

/**
 * The model without adapters that computes what the adapted one does: every weight plus the product of its factors.
 *
 * @param whole layout of the adapted model
 * @param values [whole.size]
 * @example
 * ```ts
 * import { layout, logistic, mergeAdapters, withAdapters } from "@anabranch/core";
 * const model = withAdapters(logistic({ input: [1], classes: 2 }), { rank: 1 });
 * // linear.bias [2], linear.weight [1, 2], its A [1, 1] and B [1, 2]; alpha / rank is 2
 * const values = Float32Array.of(0, 0, 1, 1, 3, 4, 5);
 * mergeAdapters(model.adapters!, layout(model.parameters), values).values; // => [0, 0, 25, 31]
 * ```
 */
export function mergeAdapters(
  { pairs, scale }: Pick<ModelAdapters, "pairs" | "scale">,
  whole: Layout,
  values: Vector,
): { readonly layout: Layout; readonly values: Vector } {
  const factors = new Set(pairs.flatMap(({ a, b, core = a }) => [a, b, core]));
  const base = subLayout(whole, ({ name }) => !factors.has(name));
  const merged = partOf(whole, values, base);
  const places = new Map(base.entries.map((entry) => [entry.name, entry]));
  for (const { weight, ...factors } of entriesOfPairs(whole, pairs)) {
    const into = entryView(merged, places.get(weight!.name)!);
    const delta = factors.shards ? deltaOfShards(weight!, factors, values) : deltaOfPair(factors, values);
    for (let i = 0; i < into.length; i++) into[i]! += scale * delta[i]!;
  }
  return { layout: base, values: merged };
}

/** A B in the layout of the weight, in float64. */
function deltaOfPair({ a, b, core }: Omit<PairEntries, "weight">, values: Vector): Float64Array {
  const [left, right] = a.shape.length === 2 ? [a, b] : [b, a];
  const rows = left.shape[0]!;
  const rank = left.shape[1]!;
  const outer = entryView(values, left);
  const first =
    core === undefined ? outer : product(outer, Float64Array.from(entryView(values, core)), rows, rank, rank);
  return product(first, Float64Array.from(entryView(values, right)), rows, rank, right.size / rank);
}

/** The same of factors that are put together from shards. */
function deltaOfShards(weight: LayoutEntry, { a, b, shards }: Omit<PairEntries, "weight">, values: Vector) {
  const [inputs] = extentsOf(weight);
  const rank = (shards!.a.length * a.shape[1]!) / inputs;
  const first = vectorsOf(a, shards!.a, values);
  const second = vectorsOf(b, shards!.b, values);
  return weight.shape.length === 2 ? transposedProduct(first, second, rank) : transposedProduct(second, first, rank);
}

/** Shards of a pool one after the other. */
function vectorsOf(pool: LayoutEntry, index: readonly number[], values: Vector): Float64Array {
  const shards = entryView(values, pool);
  const length = pool.shape[1]!;
  const made = new Float64Array(index.length * length);
  for (const [i, shard] of index.entries()) made.set(shards.subarray(shard * length, (shard + 1) * length), i * length);
  return made;
}

/** X^T Y of X [rank, rows] and Y [rank, columns]. */
function transposedProduct(x: Float64Array, y: Float64Array, rank: number): Float64Array {
  const rows = x.length / rank;
  return product(transposed(x, rank, rows), y, rows, rank, y.length / rank);
}
