/**
 * A sum of independent likelihood ratios P(x) / Q(x), x from Q, on a geometric grid. Entry i stands for outcomes with
 * values near e^(step (first + i)).
 */
export interface RatioGrid {
  readonly step: number;
  readonly first: number;
  /** Probabilities under Q, [n]. */
  readonly mass: Float64Array;
  /** Probability times value, [n]. */
  readonly moment: Float64Array;
}

/** An empty result, and where in it the sum of two grid values lies, by their distance in steps less `nearest`. */
interface Frame extends RatioGrid {
  readonly nearest: number;
  /** Where the sum is, in steps of the result, counted from the entry of the larger value. */
  readonly offset: Int32Array;
  /** Weight of the upper of the two neighbours that keeps the value in the mean. */
  readonly weight: Float64Array;
}

/** @param finer 1 or 2: how many steps of the result are one of the summands' */
function frame(a: RatioGrid, b: RatioGrid, finer: number): Frame {
  const step = a.step / finer;
  const full = Math.expm1(step);
  const lasts = [a, b].map(({ first, mass }) => first + mass.length - 1) as [number, number];
  const nearest = Math.max(0, a.first - lasts[1], b.first - lasts[0]);
  const farthest = Math.max(lasts[0] - b.first, lasts[1] - a.first);
  const above = (distance: number) => Math.log1p(Math.exp(-distance * a.step));
  // entry 0 is the sum of the two smallest values
  const start = Math.floor(above(Math.abs(a.first - b.first)) / step);
  const offset = new Int32Array(farthest - nearest + 1);
  const weight = new Float64Array(offset.length);
  for (let i = 0; i < offset.length; i++) {
    const height = above(nearest + i);
    const steps = Math.floor(height / step);
    offset[i] = steps - start;
    weight[i] = Math.min(1, Math.max(0, Math.expm1(height - steps * step) / full));
  }
  const low = Math.max(a.first, b.first);
  const length = (Math.max(...lasts) - low) * finer + offset[0]! + 2;
  const empty = () => new Float64Array(length);
  return { step, first: low * finer + start, mass: empty(), moment: empty(), nearest, offset, weight };
}

/**
 * The sum of two independent ratios of one step, each pair's mass split between the two grid points around its value so
 * that the mean is kept: the result is larger in the convex order.
 */
export function spreadSum(a: RatioGrid, b: RatioGrid, finer: number): RatioGrid {
  const { nearest, offset, weight, first, step, mass, moment } = frame(a, b, finer);
  const low = Math.max(a.first, b.first);
  for (let i = 0; i < a.mass.length; i++) {
    const left = a.mass[i]!;
    if (left === 0) continue;
    const at = a.first + i;
    for (let j = 0; j < b.mass.length; j++) {
      const other = b.first + j;
      const distance = (at > other ? at - other : other - at) - nearest;
      const k = ((at > other ? at : other) - low) * finer + offset[distance]!;
      const both = left * b.mass[j]!;
      const up = both * weight[distance]!;
      mass[k]! += both - up;
      mass[k + 1]! += up;
    }
  }
  for (let k = 0; k < mass.length; k++) moment[k] = mass[k]! * Math.exp(step * (first + k));
  return { step, first, mass, moment };
}

/**
 * The same with outcomes near one grid point merged into one at their mean: the result is smaller in the convex order,
 * whichever are merged.
 */
export function mergedSum(a: RatioGrid, b: RatioGrid, finer: number): RatioGrid {
  const { nearest, offset, first, step, mass, moment } = frame(a, b, finer);
  const low = Math.max(a.first, b.first);
  for (let i = 0; i < a.mass.length; i++) {
    const left = a.mass[i]!;
    if (left === 0) continue;
    const leftMoment = a.moment[i]!;
    const at = a.first + i;
    for (let j = 0; j < b.mass.length; j++) {
      const other = b.first + j;
      const distance = (at > other ? at - other : other - at) - nearest;
      const k = ((at > other ? at : other) - low) * finer + offset[distance]!;
      mass[k]! += left * b.mass[j]!;
      moment[k]! += leftMoment * b.mass[j]! + left * b.moment[j]!;
    }
  }
  return { step, first, mass, moment };
}

/** The same points on a grid of a smaller step. */
export function onStep(grid: RatioGrid, step: number): RatioGrid {
  const times = Math.round(grid.step / step);
  if (times === 1) return grid;
  const length = (grid.mass.length - 1) * times + 1;
  const [mass, moment] = [new Float64Array(length), new Float64Array(length)];
  grid.mass.forEach((value, i) => {
    mass[i * times] = value;
    moment[i * times] = grid.moment[i]!;
  });
  return { step, first: grid.first * times, mass, moment };
}

/** The grid without ends of at most `tail` in mass (below) and in moment over `summands` (above), and what was dropped. */
export function trimmed(
  { step, first, mass, moment }: RatioGrid,
  summands: number,
  tail: number,
): { readonly grid: RatioGrid; readonly mass: number; readonly moment: number } {
  let [from, to] = [0, mass.length];
  let [below, above] = [0, 0];
  while (from < to - 1 && below + mass[from]! <= tail) below += mass[from++]!;
  while (to > from + 1 && above + moment[to - 1]! / summands <= tail) above += moment[--to]! / summands;
  const grid = { step, first: first + from, mass: mass.slice(from, to), moment: moment.slice(from, to) };
  const dropped = (values: Float64Array) => {
    let sum = 0;
    for (let i = 0; i < from; i++) sum += values[i]!;
    for (let i = to; i < values.length; i++) sum += values[i]!;
    return sum;
  };
  return { grid, mass: dropped(mass), moment: dropped(moment) / summands };
}
