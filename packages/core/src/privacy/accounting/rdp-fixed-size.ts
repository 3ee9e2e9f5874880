import { convexRest, sampledGaussianDivergences } from "./rdp-sampled-gaussian.ts";
import { logAddExp } from "./special-functions.ts";

/** Noise below this is bounded without quadrature: the unsampled divergence is then above 200 at every order. */
const LEAST_QUADRATURE_NOISE = 0.1;

/**
 * Rényi divergences of Gaussian noise on a cohort drawn uniformly without replacement, under replace-one adjacency. With
 * q = cohort / population and M(a) = e^((a-1) eps(a)), in units of the norm bound:
 *
 *   M(a) <= E g^a + min{ a (a-1)/2 E[u^2; u<0] - E[r_a; u<0],  E[r_(1-a); u>0] - E[r_a; u<0] }
 *   g = 1 + u = 1 - q + q e^((2x-2) / sigma^2),  r_a = g^a - 1 - a u,  x ~ N(0, sigma^2)
 *
 * the first of the two for a >= 2 only. E g^a is the moment of Poisson sampling at noise sigma / 2. It is reached where
 * all other clients send one vector of full length and one client's goes from the opposite vector to theirs, so only the
 * correction (at most a (a-1) q^2 / 2) is slack.
 *
 * Proof. Let h(t) be the hockey-stick divergence of two neighbours at ratio t, less (1 - t)_+. For moments, as for any
 * f-divergence, M(a) = 1 + int a (a-1) t^(a-2) h(t) dt (I. Sason, S. Verdu, 2016, arXiv:1508.00335).
 * 1. For t >= 1, h is at most that of (1-q) N(0) + q N(2) against N(0), and for t < 1 of the two exchanged (B. Balle,
 *    G. Barthe, M. Gaboardi, "Privacy Amplification by Subsampling", NeurIPS 2018, arXiv:1807.01647, without replacement;
 *    adjacency is symmetric, which gives t < 1). Integrated: 1 + E[r_a; u>0] + E[r_(1-a); u>0].
 * 2. M(2) <= E g^2. Given who else is drawn, neighbours are P = (1-q) N(y) + q N(x) and Q = (1-q) N(y) + q N(x'), with x,
 *    x', y of norm at most 1: a client drawn takes the place of one other, and moments are jointly convex. Now M(2) - 1 =
 *    q^2 int (N(x) - N(x'))^2 / Q, and 1 / Q is at most (1-q) / N(y) + q / N(x'). Of the second, the integral is
 *    e^(|x-x'|^2 / sigma^2) - 1 <= e^(4 / sigma^2) - 1. With v = x - y and w = x' - y, that of the first is
 *    sum_(n>0) (|v|^2n + |w|^2n - 2 (v.w)^n) / (n! sigma^2n), whose terms are at most 4^n / (n! sigma^2n): for v.w < 0
 *    the bracket is at most |v-w|^2n. Else some z of norm at most 2 has |v|^2 <= v.z and |w|^2 <= w.z (the diameter from 0
 *    of the circle around 0, v, w; the longer of v and w where the triangle is obtuse), so that the n-th tensor powers of
 *    v and w lie in the ball whose diameter is that of z, of length at most 2^n, and the bracket is their squared distance.
 * 3. For a >= 2 the weight t^(a-2) rises: whatever of int h is missing beyond 1 is worth more there than below 1. So by 1
 *    and 2 M(a) is at most what h of the pair gives beyond 1, and a (a-1) times its integral below 1.
 *
 * Below order 2 eps(2) is a bound too, as divergences rise with the order; so is the unsampled one, 2 a / sigma^2.
 *
 * @param rate q in (0, 1)
 * @param sigma noise multiplier > 0
 * @param orders [n], each above 1
 * @returns [n]
 */
export function fixedSizeDivergences(rate: number, sigma: number, orders: readonly number[]): Float64Array {
  const all = [2, ...orders];
  const poisson = sampledGaussianDivergences(rate, sigma / 2, all);
  const correct = sigma < LEAST_QUADRATURE_NOISE ? largestCorrection(rate) : correction(rate, 2 / sigma);
  const found = poisson.map((divergence, i) => {
    const order = all[i]!;
    const moment = (order - 1) * divergence;
    const more = correct(order);
    const corrected = moment < 1 ? Math.log1p(Math.expm1(moment) + more) : logAddExp(moment, Math.log(more));
    return Math.min(corrected / (order - 1), (2 * order) / (sigma * sigma));
  });
  const second = found[0]!;
  return found.slice(1).map((divergence, i) => (orders[i]! < 2 ? Math.min(divergence, second) : divergence));
}

/** Nodes and weights of Gauss-Legendre quadrature with eight points on [-1, 1]; the other four are their mirror images. */
const NODES = [0.1834346424956498, 0.525532409916329, 0.7966664774136267, 0.9602898564975363];
const WEIGHTS = [0.362683783378362, 0.3137066458778873, 0.2223810344533745, 0.1012285362903763];

/** Standard deviations after which Gaussian tails are left out: they are below 1e-32. */
const CUT = 12;

interface Side {
  /** u on the nodes, and ln(1 + u). */
  readonly u: Float64Array;
  readonly logRatio: Float64Array;
  /** Gaussian density times the weight of the node. */
  readonly weight: Float64Array;
}

/** What is added to E g^a at an order. u = q (e^(mu s) - 1) at s standard deviations above the point where g = 1. */
function correction(q: number, mu: number): (order: number) => number {
  const below = side(q, mu, -CUT - mu / 2, 0);
  const above = side(q, mu, 0, CUT + mu / 2);
  const squares = below.u.reduce((sum, u, i) => sum + u * u * below.weight[i]!, 0);
  return (order) => {
    const paid = restOf(below, order);
    const reversed = restOf(above, 1 - order) - paid;
    if (order < 2) return Math.max(0, reversed);
    return Math.max(0, Math.min((order * (order - 1) * squares) / 2 - paid, reversed));
  };
}

/** The same for any noise: u is at least -q, and r_(1-a) is at most (a - 1) u, of mean at most q. */
function largestCorrection(q: number): (order: number) => number {
  return (order) => {
    const reversed = (order - 1) * q;
    if (order < 2) return reversed;
    const paid = convexRest(order, Math.log1p(-q), order * Math.log1p(-q));
    return Math.max(0, Math.min((order * (order - 1) * q * q) / 2 - paid, reversed));
  };
}

/** E[(1 + u)^order - 1 - order u] on one side, for any order. */
function restOf({ u, logRatio, weight }: Side, order: number): number {
  let sum = 0;
  for (let i = 0; i < u.length; i++) sum += weight[i]! * convexRest(order, logRatio[i]!, order * logRatio[i]!);
  return sum;
}

/** Panels are at most one standard deviation wide, and 2 / mu: the branch points of ln(1 + u) are pi / mu from the axis. */
function side(q: number, mu: number, from: number, to: number): Side {
  const panels = Math.ceil((to - from) * Math.max(1, mu / 2));
  const half = (to - from) / panels / 2;
  const nodes = NODES.flatMap((node, k) => [
    { at: -node, weight: WEIGHTS[k]! },
    { at: node, weight: WEIGHTS[k]! },
  ]);
  const points = Array.from({ length: panels * nodes.length }, (_, i) => {
    const { at, weight } = nodes[i % nodes.length]!;
    const s = from + half * (2 * Math.floor(i / nodes.length) + 1 + at);
    return { s, weight: half * weight };
  });
  const u = Float64Array.from(points, ({ s }) => q * Math.expm1(mu * s));
  const density = (s: number) => Math.exp(-((s + mu / 2) ** 2) / 2) / Math.sqrt(2 * Math.PI);
  return { u, logRatio: u.map(Math.log1p), weight: Float64Array.from(points, ({ s, weight }) => weight * density(s)) };
}
