import type { Vector } from "../params/index.ts";
import type { FoldRule } from "./fold.ts";
import type { PartialFold } from "./partial-fold.ts";

/**
 * An empty fold of vectors of `size` elements of which each update holds some coordinates: those at `places(part)`, in that
 * order. Every coordinate has a sum of its own, so a mean divides by the number or the weights of those who sent it.
 *
 * E. Diao, J. Ding, V. Tarokh, "HeteroFL: Computation and Communication Efficient Federated Learning for Heterogeneous
 * Clients", ICLR 2021, arXiv:2010.01264 (equation 3, with weights).
 *
 * @example
 * ```ts
 * import { slicedFold } from "@anabranch/core";
 * const places = [Int32Array.of(0, 1, 2), Int32Array.of(2)];
 * const mean = slicedFold("uniformMean", 3, (part) => places[part]!);
 * mean.addAll([Float32Array.of(1, 2, 3), Float32Array.of(5)], [1, 1], undefined, [0, 1]);
 * mean.result(new Float64Array(3)); // => [1, 2, 4]
 * ```
 */
export function slicedFold(rule: FoldRule, size: number, places: (part: number) => Int32Array): PartialFold {
  const sums = new Float64Array(size);
  const divisors = new Float64Array(size);
  return {
    addAll(vectors, weights, factors, parts) {
      for (const [k, vector] of vectors.entries()) {
        const weight = rule === "weightedMean" ? weights[k]! : 1;
        addSlice(sums, vector, weight * (factors?.[k] ?? 1), places(parts[k]!));
        addTo(divisors, places(parts[k]!), weight);
      }
    },
    result(out) {
      for (let j = 0; j < size; j++) out[j] = divisors[j] === 0 ? 0 : sums[j]! / (rule === "sum" ? 1 : divisors[j]!);
      return out;
    },
    reset() {
      sums.fill(0);
      divisors.fill(0);
    },
  };
}

function addSlice(sums: Float64Array, values: Vector, factor: number, places: Int32Array): void {
  for (let k = 0; k < places.length; k++) sums[places[k]!]! += factor * values[k]!;
}

function addTo(sums: Float64Array, places: Int32Array, value: number): void {
  for (let k = 0; k < places.length; k++) sums[places[k]!]! += value;
}
