import { constant, evaluate, type Tensor } from "@anabranch/engine";
import { flatten, layoutOf, type Nested, unflatten } from "./tensors.ts";

/** A nested list as a traced constant. */
export function traced(value: Nested): Tensor {
  const layout = layoutOf({ value });
  return constant(flatten({ value }, layout), layout.entries[0]!.shape);
}

/** The value of a traced tensor as a nested list, computed by the interpreter. */
export function listed<N extends Nested>(tensor: Tensor): N {
  const { shape, data } = evaluate(tensor);
  const like = shape.reduceRight<Nested>((inner, extent) => Array.from({ length: extent }, () => inner), 0);
  const layout = layoutOf({ value: like });
  return unflatten(Array.from(data), layout, { value: like })["value"] as N;
}
