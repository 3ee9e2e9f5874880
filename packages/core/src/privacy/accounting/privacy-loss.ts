import { unsupported } from "./checks.ts";
import type { PrivacyEvent } from "./events.ts";
import { sensitivity, squaredMu } from "./gaussian.ts";
import { normalTail } from "./special-functions.ts";

/** Probabilities of a loss above and at most some value, under P (with the client) and Q (without), or reversed. */
export interface LossTails {
  pAbove: number;
  qAbove: number;
  pBelow: number;
  qBelow: number;
}

/**
 * Distribution of the privacy loss ln(P(x) / Q(x)) of a dominating pair (P, Q): the two most different distributions of
 * what is released for neighbouring populations.
 */
export interface LossDistribution {
  /** Losses under P lie between these but for a probability of about 1e-19. */
  readonly lowest: number;
  readonly highest: number;
  /** Writes the tails at `loss`, each to full relative precision, into `out`. */
  tails(loss: number, out: LossTails): void;
  /** A loss that is no larger than the true one, where this distribution is not exact but at least as large. */
  readonly optimistic?: LossDistribution;
}

/**
 * Writes the probabilities of losses in (edge(i), edge(i + 1)] under P and Q into `p` and `q`, [cells], and returns the
 * tails under P that lie outside of all cells.
 */
export function cellMasses(
  loss: LossDistribution,
  edge: (index: number) => number,
  p: Float64Array,
  q: Float64Array,
): { pBelow: number; pAbove: number } {
  let before: LossTails = { pAbove: 1, qAbove: 1, pBelow: 0, qBelow: 0 };
  let after: LossTails = { ...before };
  loss.tails(edge(0), before);
  const { pBelow } = before;
  for (let i = 0; i < p.length; i++) {
    loss.tails(edge(i + 1), after);
    // Differences of the smaller tails keep their digits.
    p[i] = Math.max(0, before.pAbove < 0.5 ? before.pAbove - after.pAbove : after.pBelow - before.pBelow);
    q[i] = Math.max(0, before.qAbove < 0.5 ? before.qAbove - after.qAbove : after.qBelow - before.qBelow);
    [before, after] = [after, before];
  }
  return { pBelow, pAbove: before.pAbove };
}

/** Which of two neighbouring populations is P: `remove` the one with the client, `add` the one without. */
export type Direction = "remove" | "add";

/** Standard deviations after which tails of a Gaussian are cut off, and accounted for. */
const CUT = 9;

/**
 * Less noise counts as none, more noise or smaller rates as these: squares of losses stay in float64, and what is added
 * to delta is less than any of use.
 */
export const LEAST_NOISE = 1e-50;
const MOST_NOISE = 1e50;
const LEAST_RATE = 1e-50;

/**
 * The loss distribution of one occurrence of an event with noise of at least `LEAST_NOISE`. Poisson-subsampled Gaussian:
 * P = (1 - q) N(0, sigma^2) + q N(1, sigma^2) and Q = N(0, sigma^2), or exchanged (Y. Zhu, J. Dong, Y.-X. Wang, "Optimal Accounting of Differential
 * Privacy via Characteristic Function", AISTATS 2022, arXiv:2106.08567, Theorem 11). Throws `privacy/unsupported` for
 * fixed-size sampling.
 */
export function lossDistribution(event: PrivacyEvent, direction: Direction): LossDistribution {
  const mu = squaredMu(event);
  if (mu !== undefined) return gaussianLoss(mu);
  if (event.kind === "poisson-gaussian") {
    const noise = Math.min(MOST_NOISE, event.noiseMultiplier);
    const mixture = mixtureOf(Math.max(LEAST_RATE, event.samplingRate), noise);
    return direction === "remove" ? removalLoss(mixture) : additionLoss(mixture);
  }
  if (event.kind === "laplace") {
    return laplaceLoss(Math.min(MOST_NOISE, event.noiseMultiplier) / sensitivity(event.adjacency));
  }
  if (event.kind === "fixed-size-gaussian") {
    throw unsupported(
      "pld",
      event,
      "Poisson sampling, or no sampling",
      'Use the accountant "rdp", or sample clients by Poisson sampling.',
    );
  }
  throw unsupported(
    "pld",
    event,
    "noise whose distribution of losses is known; of this one only Rényi divergences are bounded",
    'Use the accountant "rdp".',
  );
}

/** N(mu^2 / 2, mu^2) under P and N(-mu^2 / 2, mu^2) under Q, in both directions. */
export function gaussianLoss(squared: number): LossDistribution {
  const mu = Math.sqrt(squared);
  return {
    lowest: squared / 2 - CUT * mu,
    highest: squared / 2 + CUT * mu,
    tails(loss, out) {
      const p = loss / mu - mu / 2;
      const q = loss / mu + mu / 2;
      put(out, p, normalTail(p), q, normalTail(q));
    },
  };
}

/** Tails of two normal variables above p and q, from the smaller tail of each. */
function put(out: LossTails, p: number, pTail: number, q: number, qTail: number): void {
  out.pAbove = p > 0 ? pTail : 1 - pTail;
  out.pBelow = p > 0 ? 1 - pTail : pTail;
  out.qAbove = q > 0 ? qTail : 1 - qTail;
  out.qBelow = q > 0 ? 1 - qTail : qTail;
}

interface Mixture {
  readonly q: number;
  readonly sigma: number;
  /** ln(1 - q + q e^((2x - 1) / (2 sigma^2))), the loss of removal at x, rising in x. */
  loss(x: number): number;
  /** The x of a loss; minus infinity for losses below ln(1 - q). */
  inverse(loss: number): number;
}

function mixtureOf(q: number, sigma: number): Mixture {
  const scale = 2 * sigma * sigma;
  return {
    q,
    sigma,
    loss(x) {
      const exponent = (2 * x - 1) / scale;
      if (exponent > 700) return exponent + Math.log(q + (1 - q) * Math.exp(-exponent));
      const gain = q * Math.expm1(exponent);
      // 1 + gain has lost its digits where q is near 1.
      return gain > -0.5 ? Math.log1p(gain) : Math.log(1 - q + q * Math.exp(exponent));
    },
    inverse(loss) {
      const ratio = inverseRatio(q, loss);
      return Number.isNaN(ratio) ? Number.NEGATIVE_INFINITY : (1 + scale * ratio) / 2;
    },
  };
}

/** ln((e^loss - (1 - q)) / q), not a number below the least loss. */
function inverseRatio(q: number, loss: number): number {
  if (loss < -1) return Math.log((Math.exp(loss) - (1 - q)) / q);
  if (loss < 1) return Math.log1p(Math.expm1(loss) / q);
  return loss - Math.log(q) + Math.log1p((q - 1) * Math.exp(-loss));
}

/** The ends of losses, a little further out: some crowd at one end, where rounding puts them beyond it. */
function ends(lowest: number, highest: number): { lowest: number; highest: number } {
  const margin = 1e-12 * Math.max(-lowest, highest);
  return { lowest: lowest - margin, highest: highest + margin };
}

function removalLoss({ q, sigma, loss, inverse }: Mixture): LossDistribution {
  return {
    ...ends(loss(-CUT * sigma), loss(1 + CUT * sigma)),
    tails(value, out) {
      const x = inverse(value);
      const [without, shifted] = [x / sigma, (x - 1) / sigma];
      put(out, shifted, normalTail(shifted), without, normalTail(without));
      out.pAbove = (1 - q) * out.qAbove + q * out.pAbove;
      out.pBelow = (1 - q) * out.qBelow + q * out.pBelow;
    },
  };
}

function additionLoss({ q, sigma, loss, inverse }: Mixture): LossDistribution {
  return {
    ...ends(-loss(CUT * sigma), -loss(-CUT * sigma)),
    tails(value, out) {
      // The loss falls in x: it is above `value` for x below this.
      const x = inverse(-value);
      const [without, shifted] = [-x / sigma, (1 - x) / sigma];
      put(out, without, normalTail(without), shifted, normalTail(shifted));
      out.qAbove = (1 - q) * out.pAbove + q * out.qAbove;
      out.qBelow = (1 - q) * out.pBelow + q * out.qBelow;
    },
  };
}

/** Laplace noise of scale b and sensitivity 1: losses (|x - 1| - |x|) / b, half of P at the largest, 1 / b. */
function laplaceLoss(scale: number): LossDistribution {
  const end = 1 / scale;
  return {
    lowest: -end,
    highest: end,
    tails(loss, out) {
      const inside = loss < end && loss >= -end;
      const p = inside ? 0.5 * Math.exp((loss - end) / 2) : 0;
      const q = inside ? 0.5 * Math.exp(-(loss + end) / 2) : 0;
      out.pBelow = loss >= end ? 1 : p;
      out.pAbove = loss >= end ? 0 : 1 - p;
      out.qAbove = loss < -end ? 1 : q;
      out.qBelow = loss < -end ? 0 : 1 - q;
    },
  };
}
