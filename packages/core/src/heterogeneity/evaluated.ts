import { constant, evaluate, mapTensors, type TensorTree } from "@anabranch/engine";

/** The values of a tree that depends on constants alone, so that a sequence of steps does not grow into one graph. */
export function evaluated<P extends TensorTree>(tree: P): P {
  return mapTensors(tree, (leaf) => {
    const { data, shape, dtype } = evaluate(leaf);
    return constant(Array.from(data), shape, dtype);
  });
}
