import type { Executor } from "@anabranch/engine";
import type { Vector } from "../params/vector.ts";

/** Values in the element type of an executor; those that have it are given back. */
export function executorFloats({ float }: Pick<Executor, "float">, values: Vector): Vector {
  if (float === "float32") return values instanceof Float32Array ? values : Float32Array.from(values);
  return values instanceof Float64Array ? values : Float64Array.from(values);
}
