import { AnabranchError } from "../errors.ts";
import type { Tensor } from "../graph/graph.ts";
import { constant } from "../graph/sources.ts";
import { mapTensors, type NamedTensors, type TensorTree, type TypeTree, tensorLeaves } from "../graph/trace.ts";
import { requireSamePaths } from "../graph/tree.ts";
import { broadcastTo } from "../ops/broadcast.ts";
import { mul, sub } from "../ops/elementwise.ts";
import type { HostKernelSchedule } from "../program/host-kernels.ts";

/**
 * What an optimizer remembers. `preconditioner` is its metric, by parameter path ("path", "path/left", ...): the part
 * that a federation may align over clients. The rest belongs to one sequence of steps. A tree that `scan` can carry.
 */
export type OptimizerState = { readonly [name: string]: TensorTree; readonly preconditioner: NamedTensors };

/** A received start in place of zeros. */
export interface WarmStart {
  readonly preconditioner: NamedTensors;
  /** Steps that went into it, scalar: bias corrections count on from here. */
  readonly steps: Tensor;
}

export interface StepContext {
  /** Scalar, so that one compiled program serves every schedule. */
  readonly learningRate: Tensor | number;
  /** Estimate of the Hessian's diagonal at the current parameters, for rules that ask for one. */
  curvature?(): TensorTree;
}

/** A direction of descent and the state for the next step. */
export type OptimizerDirection<P extends TensorTree> = { readonly direction: P; readonly state: OptimizerState };

/** Parameters after one step, and the state for the next one. */
export type OptimizerStep<P extends TensorTree> = { readonly parameters: P; readonly state: OptimizerState };

/**
 * A pure update rule over trees of traced tensors: p <- p - learningRate * direction. It owns nothing: state goes in and
 * comes out, so it can be carried by `scan`, sent to a server or started from a received value.
 */
export interface Optimizer {
  /** The state before the first step. The names and shapes of its preconditioner depend on the parameters alone. */
  init(parameters: TensorTree, warm?: WarmStart): OptimizerState;
  /** Direction of one step, weight decay included. `gradients` must have the structure of `parameters` (`engine/structure`). */
  direction<P extends TensorTree>(
    gradients: P,
    state: OptimizerState,
    parameters: P,
    context: StepContext,
  ): OptimizerDirection<P>;
  /**
   * Entries of the state, by path, that host kernels renew between steps; a loop of such an optimizer is compiled by
   * `compileLoop` with them. Absent or undefined: steps are all there is.
   */
  refresh?(parameters: TypeTree): HostKernelSchedule | undefined;
}

/**
 * One step of an optimizer.
 *
 * @example
 * ```ts
 * import { constant, evaluate, sgd, takeStep } from "@anabranch/engine";
 * const p = { w: constant([1, 2], [2]) };
 * const next = takeStep(sgd(), { w: constant([10, 10], [2]) }, sgd().init(p), p, { learningRate: 0.1 });
 * evaluate(next.parameters.w).data; // => [0, 1]
 * ```
 */
export function takeStep<P extends TensorTree>(
  optimizer: Optimizer,
  gradients: P,
  state: OptimizerState,
  parameters: P,
  context: StepContext,
): OptimizerStep<P> {
  const next = optimizer.direction(gradients, state, parameters, context);
  const step = (_path: string, p: Tensor, d: Tensor) => sub(p, mul(d, context.learningRate));
  return { parameters: combineTrees("takeStep", step, parameters, next.direction), state: next.state };
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

/**
 * Zeros of the shapes of a tree.
 *
 * @example
 * ```ts
 * import { constant, evaluate, zerosLike } from "@anabranch/engine";
 * evaluate(zerosLike({ w: constant([1, 2], [2]) }).w).data; // => [0, 0]
 * ```
 */
export function zerosLike<P extends TensorTree>(tree: P): P {
  return mapTensors(tree, (leaf) => broadcastTo(constant(0), leaf.shape, leaf));
}

/**
 * Combines the leaves of equal path; refuses trees that differ in structure (`engine/structure`).
 *
 * @example
 * ```ts
 * import { add, combineTrees, constant, evaluate } from "@anabranch/engine";
 * const [a, b] = [{ w: constant([1], [1]) }, { w: constant([2], [1]) }];
 * evaluate(combineTrees("sum", (_path, x, y) => add(x, y), a, b).w).data; // => [3]
 * ```
 */
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
