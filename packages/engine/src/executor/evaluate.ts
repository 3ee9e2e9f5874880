import type { Tensor } from "../graph/graph.ts";
import type { HostTensor } from "../graph/types.ts";
import { evaluateGraph } from "./interpreter.ts";

/**
 * The value of a traced tensor that depends on constants alone, computed in float64 by the interpreter: for trying out
 * operators, and for looking at a value while a function is written.
 *
 * @throws TypeError for a tensor that depends on an input; run its program instead
 * @example
 * ```ts
 * import { add, constant, evaluate } from "@anabranch/engine";
 * evaluate(add(constant([1, 2], [2]), 1)).data; // => [2, 3]
 * ```
 */
export function evaluate(tensor: Tensor): HostTensor {
  return evaluateGraph({ inputs: [], outputs: [{ name: "value", tensor }] }, [])[0]!;
}
