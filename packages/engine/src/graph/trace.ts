import type { Graph, Tensor } from "./graph.ts";
import { input } from "./sources.ts";
import { flattenTree, type MapTree, mapTree, type Tree } from "./tree.ts";
import { isTensorType, type TensorType } from "./types.ts";

export type TensorTree = Tree<Tensor>;
export type TypeTree = Tree<TensorType>;
/** The tree of traced values for a tree of types. */
export type Traced<I> = MapTree<I, TensorType, Tensor>;
/** Traced values by name or path. */
export type NamedTensors = Readonly<Record<string, Tensor>>;

const isType = (value: Tree<TensorType>): value is TensorType => isTensorType(value);
export const isTensor = (value: Tree<Tensor>): value is Tensor => isTensorType(value);

/**
 * Leaves of a tensor tree in sorted path order.
 *
 * @example
 * ```ts
 * import { constant, tensorLeaves } from "@anabranch/engine";
 * tensorLeaves({ b: constant(1, []), a: { w: constant(2, []) } }).map(({ path }) => path); // => ["a/w", "b"]
 * ```
 */
export function tensorLeaves(tree: TensorTree): { path: string; leaf: Tensor }[] {
  return flattenTree(tree, isTensor);
}

/**
 * Applies `fn` to every leaf of a tensor tree.
 *
 * @example
 * ```ts
 * import { constant, evaluate, mapTensors, mul } from "@anabranch/engine";
 * const doubled = mapTensors({ a: constant([1], [1]), b: constant([2], [1]) }, (leaf) => mul(leaf, 2));
 * evaluate(doubled.b).data; // => [4]
 * ```
 */
export function mapTensors<T extends TensorTree>(tree: T, fn: (leaf: Tensor, path: string) => Tensor): T {
  return mapTree(tree as TensorTree, isTensor, fn) as T;
}

/** The types of a tensor tree. */
export function typesOf(tree: TensorTree): TypeTree {
  return mapTree(tree, isTensor, (leaf): TensorType => ({ dtype: leaf.dtype, shape: leaf.shape }));
}

/** The leaves of a tree by path. */
export function byPath(tree: TensorTree): NamedTensors {
  return Object.fromEntries(tensorLeaves(tree).map(({ path, leaf }) => [path, leaf]));
}

/** A tree of the structure of `like` from arrays by path. */
export function fromPaths<P extends TensorTree>(like: P, named: NamedTensors): P {
  return mapTensors(like, (_leaf, path) => named[path]!);
}

/** Fresh placeholders for a tree of types, named by path under `prefix`. */
export function placeholders<I extends TypeTree>(types: I, prefix = ""): Traced<I> {
  return mapTree(types as TypeTree, isType, (type, path) => input(prefix + path, type)) as Traced<I>;
}

/**
 * Calls `fn` once on symbolic tensors and returns the recorded graph. Inputs and outputs are named by their path in the
 * trees, e.g. `params/conv1.weight`.
 *
 * @example
 * ```ts
 * import { mul, trace } from "@anabranch/engine";
 * const graph = trace(({ x }) => ({ y: mul(x, 2) }), { x: { dtype: "float", shape: ["N"] } });
 * graph.outputs.map(({ name }) => name); // => ["y"]
 * ```
 */
export function trace<I extends TypeTree, O extends TensorTree>(fn: (inputs: Traced<I>) => O, types: I): Graph {
  const inputs = placeholders(types);
  const outputs = fn(inputs);
  return {
    inputs: tensorLeaves(inputs as TensorTree).map(({ path, leaf }) => ({ name: path, tensor: leaf })),
    outputs: tensorLeaves(outputs).map(({ path, leaf }) => ({ name: path, tensor: leaf })),
  };
}
