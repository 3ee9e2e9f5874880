/**
 * Gradient coherence: the share of clients' updates that survives averaging,
 *
 *   |sum_i w_i g_i / W|^2 / (sum_i w_i |g_i|^2 / W),  W = sum_i w_i
 *
 * over the updates g_i of a cohort with the weights w_i of their mean. It is 1 where all updates are equal, 1 / S for S
 * orthogonal updates of equal length and weight, and 0 where they cancel. It needs the sum of the vectors and that of their
 * squared norms alone.
 *
 * Citation: S. Chatterjee, P. Zielinski, "On the Generalization Mystery in Deep Learning", 2022, arXiv:2203.10036 (alpha;
 * there of examples' gradients).
 */
import type { FoldRule } from "../aggregation/index.ts";
import { norm2, type Vector } from "../params/vector.ts";
import type { Meter } from "./drift.ts";

/** Measures the coherence of one uploaded vector. */
export class CoherenceMeter implements Meter<number> {
  readonly #rule: FoldRule;
  #squares = 0;
  #weights = 0;

  constructor(rule: FoldRule) {
    this.#rule = rule;
  }

  add(vectors: readonly Vector[], weights: readonly number[], factors?: readonly number[]): void {
    for (const [k, vector] of vectors.entries()) {
      const weight = this.#rule === "weightedMean" ? weights[k]! : 1;
      this.#squares += weight * ((factors?.[k] ?? 1) * norm2(vector)) ** 2;
      this.#weights += weight;
    }
  }

  reset(): void {
    this.#squares = 0;
    this.#weights = 0;
  }

  /** Given the mean or sum, as the rule says; 0 where every update is zero. */
  of(aggregate: Vector): number {
    const mean = this.#rule === "sum" ? norm2(aggregate) / this.#weights : norm2(aggregate);
    return this.#squares > 0 ? mean ** 2 / (this.#squares / this.#weights) : 0;
  }
}
