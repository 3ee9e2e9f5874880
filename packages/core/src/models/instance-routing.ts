/**
 * FedIns: every example chooses a few sets of a pool by the cosine of its query to their keys; the means of the chosen scales
 * and shifts modulate hidden features, and the mean of the chosen heads classifies.
 *
 * Citation: C.-M. Feng et al., "Towards Instance-adaptive Inference for Federated Learning", ICCV 2023, arXiv:2308.06051,
 * eqs. 2 to 6. The choice has no gradient: keys learn through the cosines alone.
 */
import {
  AnabranchError,
  add,
  argmax,
  concat,
  type Dim,
  div,
  expandDims,
  matmul,
  mean,
  mul,
  oneHot,
  reshape,
  softmaxCrossEntropy,
  sqrt,
  square,
  squeeze,
  sub,
  sum,
  type Tensor,
} from "@anabranch/engine";

/** The sets that each of N examples has chosen of a pool of Q. */
export interface Routing {
  /** Cosines [N, Q]. */
  readonly similarities: Tensor;
  /** Their numbers in falling order of the cosine, int32 [N, top]; of equal ones the lower number. */
  readonly chosen: Tensor;
  /** 1 / top for a chosen set, else 0, [N, Q]. */
  readonly shares: Tensor;
}

/** What Q sets consist of. */
export interface Pool {
  /** [Q, q] */
  readonly keys: Tensor;
  /** Scales and shifts of hidden features, [Q, d]. */
  readonly gamma: Tensor;
  readonly beta: Tensor;
  /** Classifiers without bias, [Q, classes, d]. */
  readonly heads: Tensor;
}

/**
 * Chooses the `top` keys that point most nearly where the query points.
 *
 * @param queries [N, q]
 * @param keys [Q, q]
 * @throws `adapters/option` for more choices than sets
 *
 * @example
 * ```ts
 * import { routeInstances } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const keys = constant([1, 0, 0, 1, -1, 0], [3, 2]);
 * const { chosen, shares } = routeInstances(constant([2, 1], [1, 2]), keys, 2);
 * evaluate(chosen).data; // => [0, 1]
 * evaluate(shares).data; // => [0.5, 0.5, 0]
 * ```
 */
export function routeInstances(queries: Tensor, keys: Tensor, top: number): Routing {
  const sets = keys.shape[0] as number;
  if (!(Number.isInteger(top) && top >= 1 && top <= sets)) {
    throw new AnabranchError({
      code: "adapters/option",
      message: "examples cannot choose that many sets",
      where: "top",
      received: `${top}`,
      expected: `an integer from 1 to ${sets}, the sets of the pool`,
    });
  }
  const similarities = matmul(unit(queries), unit(keys), { transposeB: true });
  let rest = similarities;
  let taken: Tensor | undefined;
  const chosen: Tensor[] = [];
  for (let place = 0; place < top; place++) {
    const best = argmax(rest, 1);
    const flag = oneHot(best, sets);
    chosen.push(expandDims(best, 1));
    taken = taken === undefined ? flag : add(taken, flag);
    // cosines lie in [-1, 1]: what is taken falls below all others
    rest = sub(rest, mul(flag, BELOW_ALL));
  }
  return { similarities, chosen: concat(chosen, 1), shares: div(taken!, top) };
}

const BELOW_ALL = 4;

/**
 * Hidden features [N, d] times the mean of the chosen scales plus that of the chosen shifts.
 *
 * @example
 * ```ts
 * import { modulate, routeInstances } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const pair = (values: number[]) => constant(values, [2, 2]);
 * const routing = routeInstances(constant([1, 0], [1, 2]), pair([1, 0, 0, 1]), 1);
 * const pool = { gamma: pair([2, 2, 5, 5]), beta: pair([0, 1, 9, 9]) };
 * evaluate(modulate(constant([3, 4], [1, 2]), pool, routing)).data; // => [6, 9]
 * ```
 */
export function modulate(hidden: Tensor, { gamma, beta }: Pick<Pool, "gamma" | "beta">, { shares }: Routing): Tensor {
  return add(mul(matmul(shares, gamma), hidden), matmul(shares, beta));
}

/**
 * Logits [N, classes] of the mean of the chosen heads on features [N, d].
 *
 * @example
 * ```ts
 * import { routedLogits, routeInstances } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const routing = routeInstances(constant([1, 0], [1, 2]), constant([1, 0, 0, 1], [2, 2]), 1);
 * const heads = constant([1, 2, 7, 7], [2, 2, 1]);
 * evaluate(routedLogits(constant([3], [1, 1]), { heads }, routing)).data; // => [3, 6]
 * ```
 */
export function routedLogits(features: Tensor, { heads }: Pick<Pool, "heads">, { shares }: Routing): Tensor {
  const [sets, classes, width] = heads.shape as [number, number, number];
  const n: Dim = features.shape[0]!;
  const mixed = reshape(matmul(shares, reshape(heads, [sets, classes * width])), [n, classes, width]);
  return squeeze(matmul(mixed, expandDims(features, 2)), 2);
}

/** The sum of the chosen cosines, [N]. */
export function nearness({ similarities, chosen, shares }: Routing): Tensor {
  return mul(chosen.shape[1] as number, sum(mul(shares, similarities), [1]));
}

/** (1 - l) loss + l (1 - nearness) for losses and nearness [N]. */
export function routedLosses(losses: Tensor, near: Tensor, keyWeight: number): Tensor {
  return add(mul(1 - keyWeight, losses), mul(keyWeight, sub(1, near)));
}

/**
 * (1 - l) cross-entropy + l (1 - sum of the chosen cosines), its mean over the batch.
 *
 * @example
 * ```ts
 * import { routedLoss, routeInstances } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const routing = routeInstances(constant([1, 0], [1, 2]), constant([1, 0, 0, 1], [2, 2]), 1);
 * const logits = constant([0, 0], [1, 2]);
 * evaluate(routedLoss(logits, constant([0], [1], "int32"), routing, 0.5)).data; // => [0.3466]
 * ```
 */
export function routedLoss(logits: Tensor, labels: Tensor, routing: Routing, keyWeight: number): Tensor {
  return mean(routedLosses(softmaxCrossEntropy(logits, labels), nearness(routing), keyWeight));
}

/** Rows of length 1; a row of zeros stays. */
function unit(rows: Tensor): Tensor {
  return div(rows, sqrt(add(sum(square(rows), [1], true), TINY)));
}

const TINY = 1e-30;
