import { allocate, sizeOfShape } from "../graph/host.ts";
import type { DType, HostTensor } from "../graph/types.ts";

/**
 * Repeatable float test values in (-scale, scale) + shift: the same shape and seed give the same numbers.
 *
 * @example
 * ```ts
 * import { sample } from "@anabranch/engine/testing";
 * sample([2, 3]).data.length; // => 6
 * ```
 */
export function sample(
  shape: readonly number[],
  { seed = 1, scale = 1, shift = 0 }: { seed?: number; scale?: number; shift?: number } = {},
): HostTensor {
  let state = seed * 7919 + sizeOfShape(shape);
  const data = Float64Array.from({ length: sizeOfShape(shape) }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    // float32 values, so that all executors start from the same numbers
    return Math.fround((state / 2 ** 31 - 1) * scale + shift);
  });
  return { dtype: "float", shape, data };
}

/**
 * A host tensor of given values.
 *
 * @example
 * ```ts
 * import { host } from "@anabranch/engine/testing";
 * host("float", [2], [1, 2]).data; // => [1, 2]
 * ```
 */
export function host(dtype: DType, shape: readonly number[], values: ArrayLike<number>): HostTensor {
  const data = allocate(dtype, values.length);
  data.set(values);
  return { dtype, shape, data };
}
