import { product } from "@anabranch/engine";
import { entryView, type Layout, type LayoutEntry, subLayout } from "../params/layout.ts";
import { partOf } from "../params/standing.ts";
import type { Vector } from "../params/vector.ts";
import type { AdapterPair, ModelAdapters } from "./model.ts";

/** A pair's places in a layout. */
export interface PairEntries {
  readonly weight: LayoutEntry | undefined;
  readonly a: LayoutEntry;
  readonly b: LayoutEntry;
  readonly core?: LayoutEntry | undefined;
}

/** The places of pairs whose factors are in a layout, in its order; the weight may lie elsewhere. */
export function entriesOfPairs({ entries }: Layout, pairs: readonly AdapterPair[]): PairEntries[] {
  const places = new Map(entries.map((entry) => [entry.name, entry]));
  return pairs.flatMap(({ weight, a, b, core }) => {
    const [first, second] = [places.get(a), places.get(b)];
    const inner = core === undefined ? {} : { core: places.get(core) };
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
    const delta = deltaOfPair(factors, values);
    const into = entryView(merged, places.get(weight!.name)!);
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
