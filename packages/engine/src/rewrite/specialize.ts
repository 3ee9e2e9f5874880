import { apply } from "../graph/apply.ts";
import type { Graph, Node, Tensor } from "../graph/graph.ts";
import { sameShape } from "../graph/shape.ts";
import { getValue, graphNodes, setValue, type ValueMap } from "../graph/traversal.ts";
import { type Extents, prefersWinograd } from "../ops/convolution-winograd.ts";
import { mul, neg } from "../ops/elementwise.ts";
import { maxPoolGradientOperator } from "../ops/pooling.ts";
import { cast } from "../ops/selection.ts";
import { reshape } from "../ops/shape.ts";
import { windowsOf } from "../ops/windows.ts";
import { convolutionBiasOperator, gemm } from "./fused.ts";

/** How many times each node is read, as an operand or as an output of the graph. */
type Uses = Map<Node, number>;
/** Replaces a node (with one output) by an equal, quicker value; undefined where the rule does not apply. */
type Rule = (node: Node, uses: Uses) => Tensor | undefined;

const rules: readonly Rule[] = [fuseUpdate, fuseSum, fuseBias, fuseConvolutionBias, poolBeforeRelu];

/**
 * Rewrites a graph for the ONNX executors: equal values up to rounding, fewer passes over memory. The interpreter walks
 * the graph as it was traced. The rules depend on shapes alone, so equal graphs stay equal.
 */
export function specialize(graph: Graph): Graph {
  const nodes = graphNodes(graph);
  const uses = countUses(graph, nodes);
  const winograd = winogradConvolutions(nodes);
  const values: ValueMap<Tensor> = new Map();
  const lookup = (t: Tensor): Tensor => getValue(values, t) ?? t;
  for (const node of nodes) {
    if (node.operator.name === "input") continue;
    const attributes = winograd.has(node) ? { ...node.attributes, form: "winograd" } : node.attributes;
    const fresh: Node = { ...node, attributes, inputs: node.inputs.map(lookup), bodies: node.bodies.map(specialize) };
    uses.set(fresh, uses.get(node)!);
    const replacement = rules.reduce<Tensor | undefined>((found, rule) => found ?? rule(fresh, uses), undefined);
    if (replacement !== undefined) uses.set(replacement.node, uses.get(node)!);
    node.outputs.forEach((type, output) => {
      setValue(values, { node, output, ...type }, replacement ?? { node: fresh, output, ...type });
    });
  }
  return { inputs: graph.inputs, outputs: graph.outputs.map((o) => ({ name: o.name, tensor: lookup(o.tensor) })) };
}

function countUses(graph: Graph, nodes: readonly Node[]): Uses {
  const uses: Uses = new Map(nodes.map((node) => [node, 0]));
  const read = (t: Tensor) => uses.set(t.node, (uses.get(t.node) ?? 0) + 1);
  for (const node of nodes) node.inputs.forEach(read);
  for (const output of graph.outputs) read(output.tensor);
  return uses;
}

const is = (t: Tensor, operator: string): boolean => t.node.operator.name === operator;

/** An operand computed for this reader only, by the given operator. */
const own = (t: Tensor, operator: string, uses: Uses): boolean => is(t, operator) && uses.get(t.node) === 1;

/** A product of two matrices that nothing else reads. */
const ownProduct = (t: Tensor, uses: Uses): boolean => own(t, "matmul", uses) && t.shape.length === 2;

/** Both orders of a commutative node's operands. */
function orders(node: Node): readonly (readonly [Tensor, Tensor])[] {
  const [a, b] = node.inputs as [Tensor, Tensor];
  return [
    [a, b],
    [b, a],
  ];
}

/** The value of a traced float scalar that is constant. */
function scalarConstant(t: Tensor): number | undefined {
  if (!is(t, "constant") || t.shape.length > 0 || t.dtype !== "float") return undefined;
  return (t.node.attributes.data as Float64Array)[0];
}

/**
 * c - scale (a b), the update of a weight matrix by gradient descent: one Gemm saves two passes over a matrix of the
 * size of c. The scale, known at run time only, multiplies the smaller factor.
 */
function fuseUpdate(node: Node, uses: Uses): Tensor | undefined {
  if (node.operator.name !== "sub") return undefined;
  const [c, scaled] = node.inputs as [Tensor, Tensor];
  if (!own(scaled, "mul", uses)) return undefined;
  const order = orders(scaled.node).find(
    ([product, scale]) => ownProduct(product, uses) && scale.shape.length === 0 && sameShape(product.shape, c.shape),
  );
  if (order === undefined) return undefined;
  const [product, scale] = order;
  const [a, b] = product.node.inputs as [Tensor, Tensor];
  const scaleLeft = staticSize(a) < staticSize(b);
  const [left, right] = scaleLeft ? [mul(a, neg(scale)), b] : [a, mul(b, neg(scale))];
  return gemm(product, left, right, c, { alpha: 1, beta: 1 });
}

/** Product of the static extents; the symbolic one of a factor of a weight gradient is the batch, which both share. */
function staticSize(t: Tensor): number {
  return t.shape.reduce((size: number, d) => (typeof d === "number" ? size * d : size), 1);
}

/** c + a b with c of the product's shape, as gradients add up and momentum decays: one Gemm; c may be beta m. */
function fuseSum(node: Node, uses: Uses): Tensor | undefined {
  if (node.operator.name !== "add") return undefined;
  const order = orders(node).find(([product, c]) => ownProduct(product, uses) && sameShape(product.shape, c.shape));
  if (order === undefined) return undefined;
  const [product, c] = order;
  const [a, b] = product.node.inputs as [Tensor, Tensor];
  const decay = own(c, "mul", uses) ? orders(c.node).find(([, s]) => scalarConstant(s) !== undefined) : undefined;
  if (decay === undefined) return gemm(product, a, b, c, { alpha: 1, beta: 1 });
  return gemm(product, a, b, decay[0], { alpha: 1, beta: scalarConstant(decay[1])! });
}

/** a b + bias [n]: the bias is Gemm's C. */
function fuseBias(node: Node, uses: Uses): Tensor | undefined {
  if (node.operator.name !== "add") return undefined;
  const order = orders(node).find(
    ([product, bias]) => ownProduct(product, uses) && bias.shape.length === 1 && bias.shape[0] === product.shape[1],
  );
  if (order === undefined) return undefined;
  const [a, b] = order[0].node.inputs as [Tensor, Tensor];
  return gemm(order[0], a, b, order[1], { alpha: 1, beta: 1 });
}

/** conv2d(x, w) + bias [O, 1, 1]: the bias is Conv's B, and ONNX Runtime can then merge a relu into it. */
function fuseConvolutionBias(node: Node, uses: Uses): Tensor | undefined {
  if (node.operator.name !== "add") return undefined;
  const order = orders(node).find(
    ([y, bias]) =>
      own(y, "conv2d", uses) && y.node.attributes.form === undefined && sameShape(bias.shape, [y.shape[1]!, 1, 1]),
  );
  if (order === undefined) return undefined;
  const [y, bias] = order;
  return apply(convolutionBiasOperator, [...y.node.inputs, reshape(bias, [y.shape[1]!])], y.node.attributes);
}

/**
 * The gradient of maxPool(x), x = relu(z), masked by x > 0: the cotangent is masked by maxPool(x) > 0 instead, which is
 * as many times smaller as a window has pixels. Both are zero where the maximum is zero, and where it is positive every
 * pixel that ties with it is positive too.
 */
function poolBeforeRelu(node: Node, uses: Uses): Tensor | undefined {
  if (node.operator.name !== "mul") return undefined;
  const order = orders(node).find(([g, mask]) => own(g, "maxPool2dGradient", uses) && maskedBy(mask) !== undefined);
  if (order === undefined) return undefined;
  const [x, y, cotangent] = order[0].node.inputs as [Tensor, Tensor, Tensor];
  const masked = maskedBy(order[1])!;
  if (!is(x, "relu") || masked.node !== x.node) return undefined;
  const smaller = mul(cotangent, cast(cast(y, "bool"), "float"));
  return apply(maxPoolGradientOperator, [x, y, smaller], order[0].node.attributes);
}

/** t where `mask` is float(bool(t)). */
function maskedBy(mask: Tensor): Tensor | undefined {
  if (!is(mask, "cast") || mask.dtype !== "float") return undefined;
  const inner = mask.node.inputs[0]!;
  return is(inner, "cast") && inner.dtype === "bool" ? inner.node.inputs[0] : undefined;
}

/** Examples in a step beyond which the transformed images of a forward pass alone take too much memory. */
const LARGEST_FORWARD_BATCH = 100;

/**
 * Convolutions and their gradients that are quicker in the Winograd domain. Beside gradients, a forward convolution
 * counts only where one shares its operands. In a graph without gradients (evaluation) it counts where the batch is
 * static and small: transformed images of large batches would take much memory.
 */
function winogradConvolutions(nodes: readonly Node[]): Set<Node> {
  const chosen = new Set<Node>();
  const shared = new Set<Node>();
  let isForward = true;
  for (const node of nodes) {
    const [first, second] = node.inputs as [Tensor, Tensor];
    if (node.operator.name === "conv2dWeightGradient") {
      isForward = false;
      if (!prefers(node, first, second.shape[1])) continue;
      chosen.add(node);
      shared.add(first.node);
    }
    if (node.operator.name === "conv2dInputGradient") {
      isForward = false;
      if (!prefers(node, { ...first, ...node.outputs[0]! }, first.shape[1])) continue;
      chosen.add(node);
      shared.add(second.node);
    }
  }
  for (const node of nodes) {
    if (node.operator.name !== "conv2d") continue;
    const [x, w] = node.inputs as [Tensor, Tensor];
    const [batch] = x.shape;
    const counts = isForward
      ? typeof batch === "number" && batch <= LARGEST_FORWARD_BATCH
      : node.inputs.some((t) => shared.has(t.node));
    if (counts && prefers(node, x, w.shape[0])) chosen.add(node);
  }
  return chosen;
}

function prefers(node: Node, x: Pick<Tensor, "shape">, filters: number | string | undefined): boolean {
  const [, channels, ...size] = x.shape as readonly number[];
  const windows = windowsOf(node.attributes);
  const positions = size.map(
    (extent, axis) => extent + windows.pads[axis]! + windows.pads[axis + 2]! - windows.kernel[axis]! + 1,
  );
  const extents: Extents = { channels: channels!, filters: filters as number, size, positions, windows };
  return prefersWinograd(extents, node.attributes.groups as number);
}
