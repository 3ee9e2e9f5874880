import { AnabranchError } from "../errors.ts";
import type { Node, Tensor } from "../graph/graph.ts";
import { dependents } from "../graph/rebuild.ts";
import { formatShape, sameShape } from "../graph/shape.ts";
import { constant } from "../graph/sources.ts";
import { mapTensors, type TensorTree, tensorLeaves } from "../graph/trace.ts";
import { getValue, setValue, sortNodes, type ValueMap } from "../graph/traversal.ts";
import { broadcastTo } from "../ops/broadcast.ts";
import { add } from "../ops/elementwise.ts";
import { identity } from "../ops/identity.ts";

/**
 * Reverse-mode gradients of a float scalar with respect to every leaf of `variables`. The result is traced operators
 * again, so it can be differentiated again. Leaves the scalar does not depend on get zeros.
 *
 * @example
 * ```ts
 * import { constant, evaluate, gradients, square, sum } from "@anabranch/engine";
 * const x = constant([1, 2], [2]);
 * const by = gradients(sum(square(x)), { x });
 * evaluate(by.x).data; // => [2, 4]
 * ```
 */
export function gradients<V extends TensorTree>(scalar: Tensor, variables: V): V {
  if (scalar.dtype !== "float" || scalar.shape.length !== 0) {
    throw new AnabranchError({
      code: "engine/not-a-scalar",
      message: "only a float scalar has a gradient",
      received: `${scalar.dtype}${formatShape(scalar.shape)}`,
      expected: "float[]",
      advice: "Reduce the value first, e.g. with mean() or sum().",
    });
  }
  const leaves = tensorLeaves(variables).map(({ path, leaf }) => requireFloat(path, leaf));
  const sources = new Set<Node>(leaves.map((t) => t.node));
  const active = dependents([scalar], sources);
  const cotangents: ValueMap<Tensor> = new Map();
  setValue(cotangents, scalar, constant(1));
  for (const node of sortNodes([scalar]).reverse()) {
    // a variable's own node may be a scan: its rule is not asked where no input of it leads to another variable
    if (node.inputs.some((t) => active.has(t.node))) propagate(node, active, cotangents);
  }
  return mapTensors(variables, (leaf) => getValue(cotangents, leaf) ?? broadcastTo(constant(0), leaf.shape, leaf));
}

function requireFloat(path: string, leaf: Tensor): Tensor {
  if (leaf.dtype === "float") return leaf;
  throw new AnabranchError({
    code: "engine/not-differentiable",
    message: "gradients exist by float values only",
    where: `variable "${path}"`,
    received: `${leaf.dtype}${formatShape(leaf.shape)}`,
    expected: "float",
    advice: "Leave integer and bool values out of the variables; use them directly in the function.",
  });
}

function propagate(node: Node, active: ReadonlySet<Node>, cotangents: ValueMap<Tensor>): void {
  const incoming = node.outputs.map((type, output) => getValue(cotangents, { node, output, ...type }));
  if (incoming.every((c) => c === undefined)) return;
  const outgoing = node.operator.gradient?.(node, incoming) ?? [];
  node.inputs.forEach((x, i) => {
    const cotangent = outgoing[i];
    if (cotangent === undefined || x.dtype !== "float" || !active.has(x.node)) return;
    if (!sameShape(cotangent.shape, x.shape)) {
      throw new AnabranchError({
        code: "engine/gradient-shape",
        message: "a gradient rule returned a cotangent of another shape",
        where: `${node.operator.name}, input ${i}`,
        received: formatShape(cotangent.shape),
        expected: formatShape(x.shape),
        advice: "Fix the operator's gradient rule; sumTo undoes broadcasting.",
      });
    }
    const known = getValue(cotangents, x);
    setValue(cotangents, x, known === undefined ? cotangent : add(known, cotangent));
  });
}

/**
 * The value of `fn` at `variables` and its gradients. Can be nested for second derivatives.
 *
 * @example
 * ```ts
 * import { type Tensor, constant, evaluate, square, sub, sum, valueAndGrad } from "@anabranch/engine";
 * const loss = ({ w }: { w: Tensor }) => sum(square(sub(w, 1)));
 * const { value, gradients } = valueAndGrad(loss, { w: constant([3, 0], [2]) });
 * evaluate(value).data; // => [5]
 * evaluate(gradients.w).data; // => [4, -2]
 * ```
 */
export function valueAndGrad<V extends TensorTree>(
  fn: (variables: V) => Tensor,
  variables: V,
): { value: Tensor; gradients: V } {
  const result = valueAndGradWith((v: V) => ({ value: fn(v), auxiliary: {} }), variables);
  return { value: result.value, gradients: result.gradients };
}

/**
 * Like `valueAndGrad` for a function that also returns values that are not differentiated.
 *
 * @example
 * ```ts
 * import { type Tensor, constant, evaluate, square, sum, valueAndGradWith } from "@anabranch/engine";
 * const loss = ({ w }: { w: Tensor }) => ({ value: sum(square(w)), auxiliary: w });
 * const found = valueAndGradWith(loss, { w: constant([3, 0], [2]) });
 * evaluate(found.gradients.w).data; // => [6, 0]
 * ```
 */
export function valueAndGradWith<V extends TensorTree, A>(
  fn: (variables: V) => { value: Tensor; auxiliary: A },
  variables: V,
): { value: Tensor; auxiliary: A; gradients: V } {
  // a fresh identity per leaf: two leaves that happen to be the same value, or derived from each other, stay distinct
  const distinct = mapTensors(variables, (leaf) => identity(leaf));
  const { value, auxiliary } = fn(distinct);
  return { value, auxiliary, gradients: gradients(value, distinct) };
}
