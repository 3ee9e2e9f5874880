import type { LossMass } from "./pld-discretise.ts";
import { cellMasses, type LossDistribution } from "./privacy-loss.ts";
import { logSumExp } from "./special-functions.ts";

/** A distribution and how often it is composed. */
export interface Repeated<T> {
  readonly item: T;
  readonly count: number;
}

/** Losses outside of which a composition has about `TAIL` on each side, and the exponents that show it. */
export interface Window {
  readonly low: number;
  readonly high: number;
  readonly lowExponent: number;
  readonly highExponent: number;
}

/** Far below every delta of use, and near what rounding leaves of a sum of probabilities. */
export const TAIL = 1e-14;

/** Where nearly all of a composed loss lies, by Chernoff bounds on coarse versions of its parts. */
export function windowOf(losses: readonly Repeated<LossDistribution>[]): Window {
  const coarse = losses.map(({ item, count }) => ({ item: coarsely(item), count }));
  const mean = coarse.reduce((sum, { item, count }) => sum + count * item.mean, 0);
  const variance = coarse.reduce((sum, { item, count }) => sum + count * item.variance, 0);
  const margin = -Math.log(TAIL);
  const reach = coarse.reduce((sum, { item, count }) => sum + count * item.largest, 0);
  // With little noise a loss is one number but for rounding: a window has some width all the same.
  const deviation = Math.max(1e-6 * reach, Math.sqrt(variance));
  // Any exponent gives a bound; the best lies between these but for bounded losses, where the last one will do.
  const range = [Math.log(1e-3 / reach), Math.log(1e9 / deviation)] as const;
  const bound = (logExponent: number, sign: number) => {
    const exponent = Math.exp(logExponent);
    const moment = coarse.reduce((sum, { item, count }) => sum + count * coarseMoment(item, sign * exponent), 0);
    return (moment + margin) / exponent;
  };
  const [logHigh, logLow] = [1, -1].map((sign) => minimize(range, (at) => bound(at, sign)));
  // The mean must lie well inside where a loss has next to no spread.
  const low = Math.min(-bound(logLow!, -1), mean - deviation);
  const high = Math.max(bound(logHigh!, 1), mean + deviation);
  const total = (end: "lowest" | "highest") => losses.reduce((sum, { item, count }) => sum + count * item[end], 0);
  return {
    low: snapToEnd(low, total("lowest"), high - low),
    high: snapToEnd(high, total("highest"), high - low),
    lowExponent: Math.exp(logLow!),
    highExponent: Math.exp(logHigh!),
  };
}

/** The end of all losses, where the end of a window is beyond it or close: nothing is cut off then, and none folded. */
function snapToEnd(at: number, end: number, width: number): number {
  return Math.abs(end - at) < width / 8 ? end : at;
}

/** Where a function that falls and then rises is least, by golden section. */
export function minimize([from, to]: readonly [number, number], value: (at: number) => number): number {
  const golden = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [from, to];
  let [left, right] = [high - golden * (high - low), low + golden * (high - low)];
  let [atLeft, atRight] = [value(left), value(right)];
  while (high - low > 0.02) {
    if (atLeft < atRight) {
      [high, right, atRight] = [right, left, atLeft];
      left = high - golden * (high - low);
      atLeft = value(left);
    } else {
      [low, left, atLeft] = [left, right, atRight];
      right = low + golden * (high - low);
      atRight = value(right);
    }
  }
  return (low + high) / 2;
}

/**
 * Chernoff bound on the probability that a composed loss is at least `loss` (exponent > 0) or at most it (exponent < 0):
 * e^(-exponent loss) times the product of the moments E e^(exponent loss); 0 beyond the last possible loss.
 */
export function tailBound(masses: readonly Repeated<LossMass>[], step: number, exponent: number, loss: number): number {
  const extremes = masses.map(({ item }) => {
    const occupied = (p: number) => p > 0;
    const index = exponent > 0 ? item.mass.findLastIndex(occupied) : item.mass.findIndex(occupied);
    return (item.first + index) * step + item.shift;
  });
  const extreme = masses.reduce((sum, { count }, i) => sum + count * extremes[i]!, 0);
  if (exponent * (extreme - loss) < 0) return 0;
  let least = 1;
  // The exponent is that of the true loss; the rounded one may be better bounded by a smaller one.
  for (let scale = 1; scale > 1e-12 && least > 10 * TAIL; scale /= 4) {
    const scaled = scale * exponent;
    // Losses are counted from the extreme one, so that no term overflows, and that one never vanishes.
    const log = masses.reduce(
      (sum, { item, count }, i) => sum + count * logMoment(item, step, scaled, extremes[i]!),
      0,
    );
    least = Math.min(least, Math.exp(log + scaled * (extreme - loss)));
  }
  return least;
}

/** ln of the sum of mass e^(exponent (loss - origin)). */
function logMoment({ mass, first, shift }: LossMass, step: number, exponent: number, origin: number): number {
  let sum = 0;
  for (let i = 0; i < mass.length; i++) {
    if (mass[i]! > 0) sum += mass[i]! * Math.exp(exponent * ((first + i) * step + shift - origin));
  }
  return Math.log(sum);
}

/** ln E e^(exponent loss) with the mass of a cell shared by its ends: mid-points would cut a bounded loss short. */
function coarseMoment({ points, halfWidths, logMass }: Coarse, exponent: number): number {
  const terms = logMass.map((log, i) => {
    const reach = Math.abs(exponent) * halfWidths[i]!;
    return log + exponent * points[i]! + reach + Math.log1p(Math.exp(-2 * reach)) - Math.LN2;
  });
  return logSumExp(terms);
}

interface Coarse {
  readonly points: Float64Array;
  readonly halfWidths: Float64Array;
  readonly logMass: Float64Array;
  /** The largest loss without its sign. */
  readonly largest: number;
  readonly mean: number;
  readonly variance: number;
}

/** The loss in 600 cells that widen with its size: subsampled losses crowd near 0 and reach far. */
function coarsely(loss: LossDistribution): Coarse {
  const cells = 600;
  const largest = Math.max(-loss.lowest, loss.highest);
  const finest = 1e-6 * largest;
  const [from, to] = [Math.asinh(loss.lowest / finest), Math.asinh(loss.highest / finest)];
  const edge = (i: number) => finest * Math.sinh(from + ((to - from) * i) / cells);
  const mass = new Float64Array(cells);
  const q = new Float64Array(cells);
  const { pBelow, pAbove } = cellMasses(loss, edge, mass, q);
  // ln(p / q) is the mean loss in a cell up to second order, however steep the density is there.
  const points = mass.map((p, i) => Math.min(edge(i + 1), Math.max(edge(i), p === 0 ? edge(i) : Math.log(p / q[i]!))));
  const halfWidths = mass.map((_, i) => (edge(i + 1) - edge(i)) / 2);
  // Losses of a sampled release crowd at one end, where rounding puts some beyond it.
  mass[0]! += pBelow;
  mass[cells - 1]! += pAbove;
  let [total, sum, squares] = [0, 0, 0];
  for (let i = 0; i < cells; i++) {
    total += mass[i]!;
    sum += mass[i]! * points[i]!;
    squares += mass[i]! * points[i]! ** 2;
  }
  const mean = sum / total;
  return {
    points,
    halfWidths,
    logMass: mass.map(Math.log),
    largest,
    mean,
    variance: Math.max(0, squares / total - mean * mean),
  };
}
