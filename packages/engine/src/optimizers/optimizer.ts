import { AnabranchError } from "../errors.ts";
import type { Tensor } from "../graph/tensor.ts";
import { mapTensors, type TensorTree, tensorLeaves } from "../graph/trace.ts";
import { requireSamePaths } from "../graph/tree.ts";
import type { ParameterSpec } from "../nn/module.ts";
import { constant } from "../ops/basic.ts";
import { broadcastTo } from "../ops/shape.ts";

/** What an optimizer may know of each parameter, by its path in the tree: matrix methods treat matrices apart. */
export type ParameterSpecs = Readonly<Record<string, Pick<ParameterSpec, "role" | "block" | "shape">>>;

/** Parameters after one step, and the optimizer's state to hand to the next one; a tree that `scan` can carry. */
export type OptimizerStep<P extends TensorTree> = {
  readonly parameters: P;
  readonly state: TensorTree;
};

/**
 * A pure update rule over trees of traced tensors. It owns nothing: state goes in and comes out, so it can be carried by
 * `scan`, sent to a server or started from a received value.
 */
export interface Optimizer {
  /** The state before the first step; `{}` for a rule without memory. */
  init(parameters: TensorTree, specs?: ParameterSpecs): TensorTree;
  /**
   * One step. `gradients` must have the structure of `parameters`; throws `engine/structure` otherwise.
   *
   * @param learningRate scalar, so that one compiled program serves every schedule
   */
  update<P extends TensorTree>(
    gradients: P,
    state: TensorTree,
    parameters: P,
    learningRate: Tensor | number,
    specs?: ParameterSpecs,
  ): OptimizerStep<P>;
}

/** Refuses an option out of its range (`engine/option`). */
export function requireOption(where: string, name: string, value: number, fits: boolean, expected: string): void {
  if (fits) return;
  throw new AnabranchError({
    code: "engine/option",
    message: `${name} is out of its range`,
    where,
    received: String(value),
    expected,
    advice: "Choose a value in that range.",
  });
}

/** Zeros of the shapes of a tree. */
export function zerosLike<P extends TensorTree>(tree: P): P {
  return mapTensors(tree, (leaf) => broadcastTo(constant(0), leaf.shape, leaf));
}

/** Combines the leaves of equal path; refuses trees that differ in structure (`engine/structure`). */
export function combineTrees<P extends TensorTree>(
  where: string,
  fn: (path: string, leaf: Tensor, ...others: Tensor[]) => Tensor,
  first: P,
  ...rest: TensorTree[]
): P {
  const reference = tensorLeaves(first);
  const others = rest.map((tree) => {
    const leaves = tensorLeaves(tree);
    requireSamePaths(reference, leaves, where);
    return new Map(leaves.map(({ path, leaf }) => [path, leaf]));
  });
  return mapTensors(first, (leaf, path) => fn(path, leaf, ...others.map((tree) => tree.get(path)!)));
}
