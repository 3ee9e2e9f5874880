import { AnabranchError } from "../errors.ts";
import { applyAll, nextSequence } from "../graph/apply.ts";
import type { Graph, NamedTensor, Node, Operator, Tensor } from "../graph/graph.ts";
import { allocate, sizeOfShape } from "../graph/host.ts";
import { dependents, substitute } from "../graph/rebuild.ts";
import { formatShape, sameShape } from "../graph/shape.ts";
import { input } from "../graph/sources.ts";
import { mapTensors, type TensorTree, tensorLeaves } from "../graph/trace.ts";
import { setValue, sortNodes, type ValueMap } from "../graph/traversal.ts";
import { requireSamePaths } from "../graph/tree.ts";
import type { HostTensor } from "../graph/types.ts";
import { int } from "../onnx/attributes.ts";
import { shapeError, showTensors } from "./operands.ts";

/**
 * A loop over the leading dimension of `sequences`, carrying a tree of state. The body is traced once; what it uses from
 * outside is captured, and what does not depend on carry or slice is computed once, outside the loop.
 * One `scan` is one ONNX Scan, so K local steps are one call of the executor; K is at least 1 when it runs. It has no
 * gradient: differentiate inside.
 *
 * @param body (carry, slice) -> { carry, output }; outputs are stacked along a new leading dimension
 * @example
 * ```ts
 * import { add, constant, evaluate, scan } from "@anabranch/engine";
 * const start = { total: constant(0, []) };
 * const { carry, outputs } = scan(
 *   ({ total }, { x }) => ({ carry: { total: add(total, x) }, output: { seen: total } }),
 *   start,
 *   { x: constant([1, 2, 3], [3]) },
 * );
 * evaluate(carry.total).data; // => [6]
 * evaluate(outputs.seen).data; // => [0, 1, 3]
 * ```
 */
export function scan<C extends TensorTree, S extends TensorTree, Y extends TensorTree>(
  body: (carry: C, slice: S) => { carry: C; output: Y },
  initial: C,
  sequences: S,
): { carry: C; outputs: Y } {
  const carryIn = mapTensors(initial, (t, path) => input(`carry/${path}`, t));
  const sliceIn = mapTensors(sequences, (t, path) =>
    input(`slice/${path}`, { dtype: t.dtype, shape: t.shape.slice(1) }),
  );
  const result = body(carryIn, sliceIn);
  const initialLeaves = tensorLeaves(initial);
  const carryLeaves = tensorLeaves(result.carry);
  requireSamePaths(initialLeaves, carryLeaves, "scan carry");
  requireSameTypes("scan", "carry", initialLeaves, carryLeaves);
  const own = [...tensorLeaves(carryIn), ...tensorLeaves(sliceIn)].map((x) => x.leaf);
  const outputLeaves = tensorLeaves(result.output);
  const graph = closeOver(
    own,
    [...carryLeaves, ...outputLeaves].map((x) => x.leaf),
    (roots) => {
      const inside = dependents(roots, new Set(own.map((t) => t.node)));
      return (node) => inside.has(node);
    },
  );
  const outputs = applyAll(
    scanOperator,
    [...initialLeaves.map((x) => x.leaf), ...tensorLeaves(sequences).map((x) => x.leaf), ...graph.captures],
    { carries: initialLeaves.length, sequences: tensorLeaves(sequences).length },
    [graph.body],
  );
  let next = 0;
  const take = () => outputs[next++]!;
  return { carry: mapTensors(initial, take), outputs: mapTensors(result.output, take) };
}

/**
 * A branch on a bool scalar: only the taken branch is computed. Both must return the same structure and types. No gradient.
 *
 * @example
 * ```ts
 * import { cond, constant, evaluate, greater, mul } from "@anabranch/engine";
 * const x = constant(3, []);
 * const y = cond(greater(x, 2), () => mul(x, 10), () => x);
 * evaluate(y).data; // => [30]
 * ```
 */
export function cond<Y extends TensorTree>(predicate: Tensor, whenTrue: () => Y, whenFalse: () => Y): Y {
  const branch = (fn: () => Y) => {
    const start = nextSequence();
    const result = fn();
    const leaves = tensorLeaves(result);
    const graph = closeOver(
      [],
      leaves.map((x) => x.leaf),
      () => (node) => node.sequence >= start,
    );
    return { result, leaves, ...graph };
  };
  const yes = branch(whenTrue);
  const no = branch(whenFalse);
  requireSamePaths(yes.leaves, no.leaves, "cond");
  requireSameTypes("cond", "result", yes.leaves, no.leaves);
  const outputs = applyAll(
    condOperator,
    [predicate, ...yes.captures, ...no.captures],
    { captures: yes.captures.length },
    [yes.body, no.body],
  );
  let next = 0;
  return mapTensors(yes.result, () => outputs[next++]!);
}

type Leaves = readonly { readonly path: string; readonly leaf: Tensor }[];

function requireSameTypes(where: string, what: string, expected: Leaves, received: Leaves): void {
  const show = (t: Tensor) => `${t.dtype}${formatShape(t.shape)}`;
  for (const [i, { path, leaf }] of received.entries()) {
    const other = expected[i]!.leaf;
    if (leaf.dtype === other.dtype && sameShape(leaf.shape, other.shape)) continue;
    throw shapeError(where, `${what} "${path}" changes its type`, show(leaf), show(other));
  }
}

/** Cuts a body out of the surrounding graph: inner nodes stay, what they use from outside becomes captured inputs. */
function closeOver(
  own: readonly Tensor[],
  roots: readonly Tensor[],
  innerOf: (roots: readonly Tensor[]) => (node: Node) => boolean,
): { body: Graph; captures: Tensor[] } {
  const isInner = innerOf(roots);
  const ownNodes = new Set(own.map((t) => t.node));
  const captures: Tensor[] = [];
  const inner: NamedTensor[] = [];
  const replacements: ValueMap<Tensor> = new Map();
  const capture = (t: Tensor): void => {
    if (isInner(t.node) || ownNodes.has(t.node) || t.node.operator.name === "constant") return;
    if (replacements.get(t.node)?.[t.output] !== undefined) return;
    const placeholder = input(`capture/${captures.length}`, t);
    setValue(replacements, t, placeholder);
    inner.push({ name: `capture/${captures.length}`, tensor: placeholder });
    captures.push(t);
  };
  for (const root of roots) capture(root);
  for (const node of sortNodes(roots)) if (isInner(node)) for (const t of node.inputs) capture(t);
  const outputs = substitute(roots, replacements);
  const inputs = own.map((t) => ({ name: t.node.attributes["name"] as string, tensor: t }));
  return {
    body: { inputs: [...inputs, ...inner], outputs: outputs.map((tensor, i) => ({ name: `${i}`, tensor })) },
    captures,
  };
}

function boundCaptures(body: Graph, names: readonly string[]): Map<string, string> {
  const captured = body.inputs.filter((i) => i.name.startsWith("capture/"));
  return new Map(captured.map((i, k) => [i.name, names[k]!]));
}

export const scanOperator: Operator = {
  name: "scan",
  infer(inputs, attributes, bodies) {
    const carries = attributes["carries"] as number;
    const sequences = inputs.slice(carries, carries + (attributes["sequences"] as number));
    const length = sequences[0]?.shape[0];
    if (length === undefined || sequences.some((s) => s.shape[0] !== length)) {
      const received = sequences.map((s) => formatShape(s.shape)).join(", ") || "no sequence";
      throw shapeError("scan", "the sequences have no common length", received, "[K, ...] with one K, at least one");
    }
    return bodies[0]!.outputs.map(({ tensor }, i) =>
      i < carries ? tensor : { dtype: tensor.dtype, shape: [length, ...tensor.shape] },
    );
  },
  gradient() {
    throw new AnabranchError({
      code: "engine/no-gradient",
      message: "scan has no gradient",
      expected: "valueAndGrad inside the body",
      advice: "Move the differentiation into the body of the scan.",
    });
  },
  lower(lowering, node, inputs) {
    const carries = node.attributes["carries"] as number;
    const sequences = node.attributes["sequences"] as number;
    const body = node.bodies[0]!;
    const graph = lowering.body(body, boundCaptures(body, inputs.slice(carries + sequences)));
    return lowering.emitAll(
      "Scan",
      inputs.slice(0, carries + sequences),
      { body: { graph }, num_scan_inputs: int(sequences) },
      node.outputs.length,
    );
  },
  evaluate(inputs, node, evaluation) {
    const carries = node.attributes["carries"] as number;
    const sequences = node.attributes["sequences"] as number;
    const body = node.bodies[0]!;
    let carry = inputs.slice(0, carries);
    const scanned = inputs.slice(carries, carries + sequences);
    const length = scanned[0]!.shape[0]!;
    if (length === 0) {
      // ONNX Runtime cannot scan nothing either
      throw new AnabranchError({
        code: "executor/run",
        message: "a scan has no step",
        where: "scan",
        received: "sequences of length 0",
        expected: "at least one step",
        advice: "Feed sequences of length 1 or more, or skip the run.",
      });
    }
    const steps: HostTensor[][] = [];
    for (let step = 0; step < length; step++) {
      const slices = scanned.map((s) => row(s, step));
      const results = evaluation.run(body, [...carry, ...slices, ...inputs.slice(carries + sequences)]);
      carry = results.slice(0, carries);
      steps.push(results.slice(carries));
    }
    const stacked = node.outputs.slice(carries).map((type, i) =>
      stack(
        steps.map((s) => s[i]!),
        type.dtype,
        evaluation.resolve(type.shape),
      ),
    );
    return [...carry, ...stacked];
  },
};

export const condOperator: Operator = {
  name: "cond",
  infer(inputs, _attributes, bodies) {
    const predicate = inputs[0]!;
    if (predicate.dtype !== "bool" || predicate.shape.length > 0) {
      throw shapeError("cond", "the predicate has another type", showTensors([predicate]), "bool[]");
    }
    return bodies[0]!.outputs.map((o) => o.tensor);
  },
  gradient: scanOperator.gradient!,
  lower(lowering, node, inputs) {
    const count = node.attributes["captures"] as number;
    const [yes, no] = node.bodies as [Graph, Graph];
    const branches = {
      then_branch: { graph: lowering.body(yes, boundCaptures(yes, inputs.slice(1, 1 + count))) },
      else_branch: { graph: lowering.body(no, boundCaptures(no, inputs.slice(1 + count))) },
    };
    return lowering.emitAll("If", [inputs[0]!], branches, node.outputs.length);
  },
  evaluate(inputs, node, evaluation) {
    const count = node.attributes["captures"] as number;
    const [yes, no] = node.bodies as [Graph, Graph];
    return inputs[0]!.data[0] !== 0
      ? evaluation.run(yes, inputs.slice(1, 1 + count))
      : evaluation.run(no, inputs.slice(1 + count));
  },
};

function row(tensor: HostTensor, index: number): HostTensor {
  const shape = tensor.shape.slice(1);
  const size = sizeOfShape(shape);
  return { dtype: tensor.dtype, shape, data: tensor.data.slice(index * size, (index + 1) * size) };
}

function stack(rows: readonly HostTensor[], dtype: HostTensor["dtype"], shape: readonly number[]): HostTensor {
  const data = allocate(dtype, sizeOfShape(shape));
  rows.forEach((r, i) => {
    data.set(r.data, i * r.data.length);
  });
  return { dtype, shape, data };
}
