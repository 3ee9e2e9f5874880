import { AnabranchError } from "../errors.ts";
import type { Tensor } from "../graph/graph.ts";
import { formatShape } from "../graph/shape.ts";
import { constant } from "../graph/sources.ts";
import { type TensorTree, type TypeTree, tensorLeaves } from "../graph/trace.ts";
import { oneHot } from "../ops/indexing.ts";
import { matmul } from "../ops/matmul.ts";
import { reshape, transpose } from "../ops/shape.ts";

/** An axis of a parameter with a factor [extent, extent] of its own, named "parameter/axis". */
export interface FactoredAxis {
  readonly name: string;
  readonly parameter: string;
  readonly axis: number;
  readonly extent: number;
}

/**
 * The axes that get a factor, by parameter: those of at most `cap` elements. A cap of 0 says that a parameter is not meant
 * to have any; one that leaves no axis at all of those that are meant to have some is refused (`engine/option`).
 */
export function factoredAxes(
  where: string,
  parameters: TypeTree,
  capOf: (shape: readonly number[]) => number,
): ReadonlyMap<string, readonly FactoredAxis[]> {
  const leaves = tensorLeaves(parameters as TensorTree).map(({ path, leaf }) => {
    const shape = leaf.shape as readonly number[];
    return { path, shape, cap: capOf(shape) };
  });
  const axes = new Map(
    leaves.map(({ path, shape, cap }) => [
      path,
      shape
        .map((extent, axis) => ({ name: `${path}/${axis}`, parameter: path, axis, extent }))
        .filter(({ extent }) => extent <= cap),
    ]),
  );
  const meant = leaves.filter(({ shape, cap }) => shape.length > 0 && cap > 0);
  if (meant.length > 0 && meant.every(({ path }) => axes.get(path)!.length === 0)) {
    throw new AnabranchError({
      code: "engine/option",
      message: "the cap on axes leaves nothing to precondition",
      where,
      received: meant.map(({ path, shape, cap }) => `${path} ${formatShape(shape)}, at most ${cap}`).join("; "),
      expected: "at least one axis within the cap",
      advice: "Raise maxSize, or take an optimizer without factors, such as adamw.",
    });
  }
  return axes;
}

/** G G^T over one axis: all other axes are summed. [d, d] for an axis of d elements. */
export function axisGram(g: Tensor, axis: number): Tensor {
  if (g.shape.length === 2 && axis === 1) return matmul(g, g, { transposeA: true });
  const rows = unfold(g, axis);
  return matmul(rows, rows, { transposeB: true });
}

/**
 * A matrix applied along one axis: "into" multiplies with Q^T (coordinates in Q's columns), "back" with Q.
 *
 * @param q [d, d] for an axis of d elements
 */
export function alongAxis(x: Tensor, q: Tensor, axis: number, direction: "into" | "back"): Tensor {
  const into = direction === "into";
  if (x.shape.length === 2 && axis === 1) return matmul(x, q, { transposeB: !into });
  const order = frontOrder(x.shape.length, axis);
  const product = matmul(q, unfold(x, axis), { transposeA: into });
  const moved = reshape(
    product,
    order.map((i) => x.shape[i]!),
  );
  return transpose(
    moved,
    order.map((_, i) => order.indexOf(i)),
  );
}

/** [d, rest]: one axis in front of all others. */
function unfold(x: Tensor, axis: number): Tensor {
  const order = frontOrder(x.shape.length, axis);
  const shape = order.map((i) => x.shape[i] as number);
  return reshape(transpose(x, order), [shape[0]!, shape.slice(1).reduce((a, b) => a * b, 1)]);
}

function frontOrder(rank: number, axis: number): number[] {
  return [axis, ...Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis)];
}

/** I [d, d]. */
export function identityMatrix(d: number): Tensor {
  return oneHot(
    constant(
      Int32Array.from({ length: d }, (_, i) => i),
      [d],
      "int32",
    ),
    d,
  );
}
