/**
 * FLTrust: updates count by their agreement with an update that the server trained on clean data of its own.
 *
 * Citation: X. Cao, M. Fang, J. Liu, N. Z. Gong. "FLTrust: Byzantine-robust Federated Learning via Trust Bootstrapping".
 * NDSS 2021, arXiv:2012.13995.
 *
 * Rule, with the root update g: trust_i = max(0, cos(x_i, g)); every x_i is scaled to the norm of g; the aggregate is their
 * mean with the trusts as weights, and 0 where all trusts are 0. A vector of zeros has trust 0.
 */
import type { Vector } from "../../params/vector.ts";
import { dot } from "./distances.ts";
import { over, type Passes, type UpdateSet } from "./passes.ts";
import { weightedSum } from "./weighted-sum.ts";

export interface Trusted {
  readonly aggregate: Float64Array<ArrayBuffer>;
  readonly trust: readonly number[];
}

export function* fltrust(set: UpdateSet, root: Vector): Passes<Trusted> {
  const squares = new Float64Array(set.count);
  const products = new Float64Array(set.count);
  let rootSquare = 0;
  yield* over(set, (block, begin) => {
    const part = root.subarray(begin, begin + block[0]!.length);
    rootSquare += dot(part, part);
    for (const [i, vector] of block.entries()) {
      squares[i]! += dot(vector, vector);
      products[i]! += dot(vector, part);
    }
  });
  const rootNorm = Math.sqrt(rootSquare);
  const norms = squares.map(Math.sqrt);
  const trust = Array.from(products, (product, i) => {
    const cosine = product / (norms[i]! * rootNorm);
    return cosine > 0 ? cosine : 0;
  });
  const total = trust.reduce((sum, value) => sum + value, 0);
  const factors = trust.map((value, i) => (value === 0 ? 0 : (value * rootNorm) / norms[i]! / total));
  return { trust, aggregate: yield* weightedSum(set, factors) };
}
