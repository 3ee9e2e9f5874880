/**
 * AGLFOP: the highest accuracy that any model can have under limits on its global and local disparity.
 *
 * Citation: F. Hamman, S. Dutta. "Demystifying Local & Global Fairness Trade-offs in Federated Learning Using Partial
 * Information Decomposition". ICLR 2024, arXiv:2307.11333 (Definition of AGLFOP).
 *
 * Problem: over the decisions q(k | s, z, y), maximise P(Yhat = Y) subject to I(Z; Yhat) <= globalLimit and
 * I(Z; Yhat | S) <= localLimit, in bits. It is convex: the accuracy is linear, and mutual information is convex in q.
 * Differences from the published code: any number of clients, groups and classes; a barrier method in place of SLSQP.
 */
import { type Entropic, type Linear, minimizeConvex, valueAt } from "./entropic.ts";
import { type Joint, sumOf } from "./information.ts";

/** A limit of 0 leaves no interior; one of this many bits changes the accuracy by about its square root, 1e-5. */
const LEAST_LIMIT = 1e-10;

export interface FairnessLimits {
  /** Bits of I(Z; Yhat). */
  readonly globalLimit: number;
  /** Bits of I(Z; Yhat | S). */
  readonly localLimit: number;
}

/**
 * The highest accuracy under the limits.
 *
 * @param distribution counts or probabilities [s][z][y] of client, group and label; they are normalised
 *
 * @example
 * ```ts
 * import { fairnessLimit } from "@anabranch/core";
 * // one client, where the label is the group: a half of a bit of the group may show
 * const joint = [[[1, 0], [0, 1]]];
 * fairnessLimit(joint, { globalLimit: 0.5, localLimit: 1 }).toFixed(2); // => "0.89"
 * ```
 */
export function fairnessLimit(distribution: Joint, { globalLimit, localLimit }: FairnessLimits): number {
  const total = sumOf(distribution.flat(2));
  const classes = distribution[0]![0]!.length;
  const groups = distribution[0]!.length;
  const cells = distribution.flatMap((client, s) =>
    client.flatMap((row, z) => row.map((value, y) => ({ s, z, y, share: value / total }))),
  );
  const free = classes - 1;
  /** P(Yhat = k) over the cells that pass, times their shares. */
  const mass = (k: number, passes: (cell: (typeof cells)[number]) => boolean): Linear => {
    const chosen = [...cells.entries()].filter(([, cell]) => passes(cell) && cell.share > 0);
    if (k < free)
      return { offset: 0, places: chosen.map(([i]) => i * free + k), factors: chosen.map(([, { share }]) => share) };
    const places = chosen.flatMap(([i]) => Array.from({ length: free }, (_, j) => i * free + j));
    const factors = chosen.flatMap(([, { share }]) => new Array<number>(free).fill(-share));
    return { offset: sumOf(chosen.map(([, { share }]) => share)), places, factors };
  };
  const information = (inside: (cell: (typeof cells)[number]) => boolean) =>
    informationOf(mass, groups, classes, inside);
  const whole = information(() => true);
  const slices = distribution.map((_, s) => information((cell) => cell.s === s));
  const local = { value: slices.flatMap(({ value }) => value), offset: sumOf(slices.map(({ offset }) => offset)) };
  const decisions = cells.flatMap((_, i) => [
    ...Array.from({ length: free }, (_, k): Linear => ({ offset: 0, places: [i * free + k], factors: [1] })),
    { offset: 1, places: Array.from({ length: free }, (_, k) => i * free + k), factors: new Array(free).fill(-1) },
  ]);
  const cap = (bits: number) => Math.max(LEAST_LIMIT, bits) * Math.LN2;
  const accuracy = Array.from({ length: classes }, (_, k) => mass(k, ({ y }) => y === k));
  const cost = new Float64Array(cells.length * free);
  for (const { places, factors } of accuracy) for (const [i, place] of places.entries()) cost[place]! -= factors[i]!;
  const best = minimizeConvex(
    {
      cost: [...cost],
      objective: [],
      bounded: [
        { ...whole, cap: cap(globalLimit) },
        { ...local, cap: cap(localLimit) },
      ],
      positive: decisions,
    },
    new Array<number>(cells.length * free).fill(1 / classes),
  );
  return sumOf(accuracy.map((right) => valueAt(right, best)));
}

/** P(slice) I(Z; Yhat | slice) in nats, as sum of u ln u: sum m ln m - sum p ln p - sum r ln r + P ln P. */
function informationOf<Cell extends { readonly z: number }>(
  mass: (k: number, passes: (cell: Cell) => boolean) => Linear,
  groups: number,
  classes: number,
  inside: (cell: Cell) => boolean,
): { readonly value: Entropic; readonly offset: number } {
  const value: { coefficient: number; of: Linear }[] = [];
  let offset = 0;
  let all = 0;
  for (let z = 0; z < groups; z++) {
    const rows = Array.from({ length: classes }, (_, k) => mass(k, (cell) => cell.z === z && inside(cell)));
    const share = rows.at(-1)!.offset;
    if (!(share > 0)) continue;
    all += share;
    offset -= share * Math.log(share);
    value.push(...rows.map((of) => ({ coefficient: 1, of })));
  }
  if (!(all > 0)) return { value: [], offset: 0 };
  for (let k = 0; k < classes; k++) value.push({ coefficient: -1, of: mass(k, inside) });
  return { value, offset: offset + all * Math.log(all) };
}
