/**
 * Partial information decomposition of a disparity: what predictions reveal of the group by themselves, what clients reveal
 * as well, and what only both together reveal.
 *
 * Citation: N. Bertschinger, J. Rauh, E. Olbrich, J. Jost, N. Ay. "Quantifying Unique Information". Entropy 2014,
 * arXiv:1311.2852 (BROJA); F. Hamman, S. Dutta, ICLR 2024, arXiv:2307.11333.
 *
 * unique = min I_Q(Z; Yhat | S) over all Q with the (z, yhat) and (z, s) marginals of P. I(Z; Yhat) = unique + redundant and
 * I(Z; Yhat | S) = unique + masked, in bits.
 */
import { entropicAt, type Linear, minimizeConvex } from "./entropic.ts";
import { type Disparity, disparity, type Joint, sumOf } from "./information.ts";

export interface Decomposition extends Disparity {
  readonly unique: number;
  readonly redundant: number;
  readonly masked: number;
}

/**
 * @param joint counts or probabilities [s][z][yhat]; they are normalised
 *
 * @example
 * ```ts
 * import { decomposeDisparity } from "@anabranch/core";
 * // the prediction is the group, in one client
 * decomposeDisparity([[[1, 0], [0, 1]]]); // => { global: 1, local: 1, unique: 1, redundant: 0, masked: 0 }
 * ```
 */
export function decomposeDisparity(joint: Joint): Decomposition {
  const { global, local } = disparity(joint);
  // rounding apart, no part is negative and none exceeds the whole
  const unique = Math.min(Math.max(0, uniqueInformation(joint)), global, local);
  return { global, local, unique, redundant: global - unique, masked: local - unique };
}

/** Distributions Q with the (z, k) and (z, s) marginals of P: their entries as linear functions of free variables. */
interface Polytope {
  readonly cells: readonly { readonly s: number; readonly z: number; readonly k: number; readonly q: Linear }[];
  /** A point of its interior: prediction and client independent in each group. */
  readonly inside: readonly number[];
}

function uniqueInformation(joint: Joint): number {
  const total = sumOf(joint.flat(2));
  const shares = joint.map((groups) => groups.map((row) => row.map((value) => value / total)));
  const { cells, inside } = withMarginals(shares);
  const objective = cells.map(({ q }) => ({ coefficient: 1, of: q }));
  let offset = 0;
  for (const [s, groups] of shares.entries()) {
    for (const k of groups[0]!.keys()) {
      const of = added(cells.filter((cell) => cell.s === s && cell.k === k).map(({ q }) => q));
      if (of.offset !== 0 || of.places.length > 0) objective.push({ coefficient: -1, of });
    }
    const parts = groups.map(sumOf);
    offset += entropyTerm(sumOf(parts)) - sumOf(parts.map(entropyTerm));
  }
  const cost = inside.map(() => 0);
  const positive = cells.map(({ q }) => q);
  const best = inside.length === 0 ? [] : minimizeConvex({ cost, objective, bounded: [], positive }, inside);
  return (entropicAt(objective, best) + offset) / Math.LN2;
}

function withMarginals(shares: Joint): Polytope {
  const cells: Polytope["cells"][number][] = [];
  const inside: number[] = [];
  for (const z of shares[0]!.keys()) {
    const byClient = shares.map((groups) => sumOf(groups[z]!));
    const byClass = shares[0]![z]!.map((_, k) => sumOf(shares.map((groups) => groups[z]![k]!)));
    const mass = sumOf(byClient);
    const clients = placesOfPositive(byClient);
    const classes = placesOfPositive(byClass);
    const [lastClient, lastClass] = [clients.at(-1), classes.at(-1)];
    const free: { readonly s: number; readonly k: number; readonly place: number }[] = [];
    for (const s of clients.slice(0, -1)) {
      for (const k of classes.slice(0, -1)) {
        free.push({ s, k, place: inside.length });
        inside.push((byClient[s]! * byClass[k]!) / mass);
      }
    }
    // the last row and column follow from the marginals
    for (const s of clients) {
      for (const k of classes) {
        const [isLastS, isLastK] = [s === lastClient, k === lastClass];
        const places = free
          .filter((one) => (isLastS || one.s === s) && (isLastK || one.k === k))
          .map(({ place }) => place);
        const corner = byClient[s]! + byClass[k]! - mass;
        const edge = isLastK ? byClient[s]! : byClass[k]!;
        const offset = isLastS && isLastK ? corner : isLastS || isLastK ? edge : 0;
        const sign = isLastS === isLastK ? 1 : -1;
        cells.push({ s, z, k, q: { offset, places, factors: places.map(() => sign) } });
      }
    }
  }
  return { cells, inside };
}

function added(parts: readonly Linear[]): Linear {
  return {
    offset: sumOf(parts.map(({ offset }) => offset)),
    places: parts.flatMap(({ places }) => places),
    factors: parts.flatMap(({ factors }) => factors),
  };
}

function placesOfPositive(values: readonly number[]): number[] {
  return values.flatMap((value, place) => (value > 0 ? [place] : []));
}

function entropyTerm(share: number): number {
  return share > 0 ? share * Math.log(share) : 0;
}
