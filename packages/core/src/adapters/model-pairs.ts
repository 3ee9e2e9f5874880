import { transposed } from "@anabranch/engine";
import { rankOfFactor } from "../models/low-rank-adapters.ts";
import { entriesOfPairs, type PairEntries } from "../models/merge-adapters.ts";
import type { ModelAdapters } from "../models/model.ts";
import { entryView, type Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import type { LowRankUpdate } from "./low-rank-update.ts";
import type { Matrix } from "./matrix.ts";

/** A pair of factors and where it lies in a vector. */
export interface PlacedPair {
  readonly name: string;
  readonly entries: Pick<PairEntries, "a" | "b">;
}

/** The pairs of a model whose factors are both in a layout. */
export function pairsIn(layout: Layout, { pairs }: Pick<ModelAdapters, "pairs">): PlacedPair[] {
  return entriesOfPairs(layout, pairs).map((entries) => ({ name: entries.a.name, entries }));
}

/** A pair as the papers write it, A [r, i] and B [o, r], whatever the layer. */
export function readPair({ entries: { a, b } }: PlacedPair, values: Vector, scale: number): LowRankUpdate {
  const [first, second] = [entryView(values, a), entryView(values, b)];
  const outer = outsides(a.shape, b.shape, a.size, b.size);
  if (a.shape.length === 2) {
    return {
      a: { rows: outer.rank, columns: outer.inputs, data: transposed(first, outer.inputs, outer.rank) },
      b: { rows: outer.outputs, columns: outer.rank, data: transposed(second, outer.rank, outer.outputs) },
      scale,
    };
  }
  return {
    a: { rows: outer.rank, columns: outer.inputs, data: Float64Array.from(first) },
    b: { rows: outer.outputs, columns: outer.rank, data: Float64Array.from(second) },
    scale,
  };
}

/** Writes a pair of the same rank to its place. */
export function writePair({ entries: { a, b } }: PlacedPair, values: Vector, pair: { a: Matrix; b: Matrix }): void {
  const dense = a.shape.length === 2;
  const flat = ({ rows, columns, data }: Matrix) => (dense ? transposed(data, rows, columns) : data);
  entryView(values, a).set(flat(pair.a));
  entryView(values, b).set(flat(pair.b));
}

/** Adds delta [o, i] to a weight, which dense layers have transposed. */
export function addDelta(weight: Vector, { rows, columns, data }: Matrix, dense: boolean): void {
  const flat = dense ? transposed(data, rows, columns) : data;
  for (let i = 0; i < weight.length; i++) weight[i]! += flat[i]!;
}

function outsides(a: readonly number[], b: readonly number[], aSize: number, bSize: number) {
  const rank = rankOfFactor({ shape: a });
  return { rank, inputs: aSize / rank, outputs: bSize / (b.length === 2 ? b[0]! : rank) };
}
