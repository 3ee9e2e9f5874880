import type { Algorithm } from "../algorithms/algorithm.ts";
import type { Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";

/**
 * The global model that is evaluated and saved, [d]; what training goes on with stays as it is.
 *
 * @example
 * ```ts
 * import { fedavg, layout, servedModel } from "@anabranch/core";
 * const model = layout([{ name: "x", shape: [1], role: "vector", block: "x" }]);
 * servedModel({ algorithm: fedavg(), layout: model }, Float32Array.of(1)); // => [1]
 * ```
 */
export function servedModel(
  { algorithm, layout }: { readonly algorithm: Pick<Algorithm, "served">; readonly layout: Layout },
  parameters: Vector,
): Vector {
  return algorithm.served?.(parameters, layout) ?? parameters;
}
