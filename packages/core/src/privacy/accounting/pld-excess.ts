import type { LowerLoss } from "./pld-discretise.ts";
import { minimize, type Repeated } from "./pld-window.ts";

/** Excesses of one loss about their mean: variance, and how far below the mean they can be. */
interface Spread {
  readonly count: number;
  readonly variance: number;
  readonly reach: number;
}

/**
 * What the excesses of all losses of a composition add up to, but for a probability of e^-margin: their mean less a
 * deviation, which is the smaller of the worst case and G. Bennett's bound on sums of bounded variables ("Probability
 * Inequalities for the Sum of Independent Random Variables", JASA 57, 1962): for X with mean 0, variance v and X <= b,
 * E e^(tX) <= 1 + v / b^2 (e^(tb) - 1 - tb).
 */
export function sureExcess(losses: readonly Repeated<LowerLoss>[], margin: number): number {
  let mean = 0;
  let worst = 0;
  const spreads: Spread[] = [];
  for (const { item, count } of losses) {
    const { average, variance, reach } = momentsOf(item);
    mean += count * average;
    worst += count * reach;
    if (reach > 0) spreads.push({ count, variance, reach });
  }
  if (worst === 0) return mean;
  const bound = (logExponent: number) => {
    const exponent = Math.exp(logExponent);
    return (margin + spreads.reduce((sum, spread) => sum + logMoment(spread, exponent), 0)) / exponent;
  };
  const from = Math.log(margin / worst);
  const exponent = minimize([from - 1, from + 20], bound);
  return mean - Math.min(worst, bound(exponent));
}

function momentsOf({ mass, excess }: LowerLoss): { average: number; variance: number; reach: number } {
  let [total, sum, least] = [0, 0, Number.POSITIVE_INFINITY];
  for (let i = 0; i < mass.length; i++) {
    if (mass[i] === 0) continue;
    total += mass[i]!;
    sum += mass[i]! * excess[i]!;
    least = Math.min(least, excess[i]!);
  }
  const average = sum / total;
  let squares = 0;
  for (let i = 0; i < mass.length; i++) squares += mass[i]! * (excess[i]! - average) ** 2;
  return { average, variance: squares, reach: Math.max(0, average - least) };
}

function logMoment({ count, variance, reach }: Spread, exponent: number): number {
  const x = exponent * reach;
  // e^x - 1 - x loses its digits below.
  const rest = x < 1e-4 ? (x * x) / 2 + (x * x * x) / 6 : Math.expm1(x) - x;
  return count * Math.log1p((variance / (reach * reach)) * rest);
}
