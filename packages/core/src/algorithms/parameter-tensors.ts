import type { Tensor } from "@anabranch/engine";
import { AnabranchError } from "@anabranch/engine";
import type { ParameterTensors } from "./algorithm.ts";

/**
 * Combines entries of equal name; trees that differ in names are refused, never paired by position.
 *
 * @example
 * ```ts
 * import { add, constant, evaluate } from "@anabranch/engine";
 * import { combine } from "@anabranch/core";
 * const sums = combine(add, { w: constant([1, 2], [2]) }, { w: constant([3, 4], [2]) });
 * evaluate(sums["w"]!).data; // => [4, 6]
 * ```
 */
export function combine(
  fn: (...entries: Tensor[]) => Tensor,
  first: ParameterTensors,
  ...rest: ParameterTensors[]
): ParameterTensors {
  const names = Object.keys(first).sort();
  for (const other of rest) {
    const received = Object.keys(other).sort();
    if (received.length === names.length && received.every((n, i) => n === names[i])) continue;
    throw new AnabranchError({
      code: "params/structure",
      message: "parameter trees differ",
      received: received.join(", "),
      expected: names.join(", "),
    });
  }
  return Object.fromEntries(names.map((n) => [n, fn(first[n]!, ...rest.map((r) => r[n]!))]));
}
