/**
 * Rules that look at each coordinate by itself.
 *
 * Citation: D. Yin, Y. Chen, K. Ramchandran, P. Bartlett. "Byzantine-Robust Distributed Learning: Towards Optimal Statistical
 * Rates". ICML 2018, arXiv:1803.01498 (median, trimmed mean). C. Xie, O. Koyejo, I. Gupta. "Generalized Byzantine-tolerant
 * SGD". 2018, arXiv:1802.10116 (MeaMed). The same. "Phocas: dimensional Byzantine-resilient stochastic gradient descent".
 * 2018, arXiv:1805.09682.
 *
 * Rules, per coordinate: the median is the middle value, for even n the mean of the two middle ones. The trimmed mean drops
 * the f smallest and the f largest values. MeaMed averages the n - f values nearest to the median, Phocas those nearest to
 * the trimmed mean (ties: the lower index).
 * Sums run over ascending values, so a result does not depend on the order of the updates.
 */
import type { Vector } from "../../params/vector.ts";
import { accumulate } from "../kernel.ts";
import { ColumnSorter, type SortedColumns } from "./column-sorter.ts";
import { over, type Passes, type UpdateSet } from "./passes.ts";
import { ones } from "./weighted-sum.ts";

export function median(set: UpdateSet): Passes<Float64Array<ArrayBuffer>> {
  return trimmedMean(set, Math.floor((set.count - 1) / 2));
}

/** The mean without the `trim` smallest and largest values. */
export function* trimmedMean(set: UpdateSet, trim: number): Passes<Float64Array<ArrayBuffer>> {
  const out = new Float64Array(set.size);
  const sorter = new ColumnSorter(set.count);
  yield* over(set, (block, begin) => {
    const sorted = sorter.sort(block);
    meanOfRows(out.subarray(begin, begin + block[0]!.length), sorted, trim, set.count - trim);
  });
  return out;
}

/** The mean of the `keep` values nearest to the median, or to the trimmed mean where `trim` is given. */
export function* nearestToCentre(
  set: UpdateSet,
  { keep, trim }: { readonly keep: number; readonly trim: number | undefined },
): Passes<Float64Array<ArrayBuffer>> {
  const out = new Float64Array(set.size);
  const sorter = new ColumnSorter(set.count);
  const edge = trim ?? Math.floor((set.count - 1) / 2);
  yield* over(set, (block, begin) => {
    const sorted = sorter.sort(block);
    const part = out.subarray(begin, begin + block[0]!.length);
    meanOfRows(part, sorted, edge, set.count - edge);
    for (let i = 0; i < part.length; i++) part[i] = meanOfNearest(sorted, block, i, part[i]!, keep);
  });
  return out;
}

/** out = the mean of rows [first, last). */
function meanOfRows(out: Float64Array, sorted: SortedColumns, first: number, last: number): void {
  const rows = Array.from({ length: last - first }, (_, k) => sorted.row(first + k));
  out.fill(0);
  accumulate(out, rows, ones(rows.length), 0, out.length);
  for (let i = 0; i < out.length; i++) out[i] = out[i]! / rows.length;
}

/** In sorted order the nearest values are neighbours: the farther end is dropped until `keep` are left. */
function meanOfNearest(
  { values, stride }: SortedColumns,
  block: readonly Vector[],
  column: number,
  centre: number,
  keep: number,
): number {
  let low = column;
  let high = column + (block.length - 1) * stride;
  for (let left = block.length; left > keep; left--) {
    const below = centre - values[low]!;
    const above = values[high]! - centre;
    if (below === above && values[low] !== values[high]) return meanByPlace(block, column, centre, keep);
    if (below > above) low += stride;
    else high -= stride;
  }
  let sum = 0;
  for (let at = low; at <= high; at += stride) sum += values[at]!;
  return sum / keep;
}

/** The same where values on both sides are equally near: the lower index wins. */
function meanByPlace(block: readonly Vector[], column: number, centre: number, keep: number): number {
  const values = block.map((vector) => vector[column]!);
  const nearest = values
    .map((value, place) => ({ value, place, gap: Math.abs(value - centre) }))
    .sort((a, b) => a.gap - b.gap || a.place - b.place)
    .slice(0, keep);
  return (
    nearest
      .map(({ value }) => value)
      .sort((a, b) => a - b)
      .reduce((sum, value) => sum + value, 0) / keep
  );
}
