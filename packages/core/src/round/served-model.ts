import type { Algorithm } from "../algorithms/algorithm.ts";
import type { Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";

/** The global model that is evaluated and saved, [d]; what training goes on with stays as it is. */
export function servedModel(
  { algorithm, layout }: { readonly algorithm: Pick<Algorithm, "served">; readonly layout: Layout },
  parameters: Vector,
): Vector {
  return algorithm.served?.(parameters, layout) ?? parameters;
}
