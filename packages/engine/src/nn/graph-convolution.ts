import { AnabranchError } from "../errors.ts";
import type { Tensor } from "../graph/graph.ts";
import { add, mul } from "../ops/elementwise.ts";
import { gather, scatterAdd } from "../ops/indexing.ts";
import { expandDims } from "../ops/shape.ts";
import { affine } from "./dense.ts";
import { type Initialization, torchInitialization } from "./initializers.ts";
import { type ApplyContext, type GraphContext, type Module, parameter } from "./module.ts";

/**
 * Graph convolution y = A x W + b of all nodes, [v, inputs] -> [v, outputs], where A_ij is the weight of the edge from j to i
 * (`ApplyContext.graph`). With the weights of D^-1/2 (A + I) D^-1/2 it is the layer of T. N. Kipf, M. Welling,
 * "Semi-Supervised Classification with Graph Convolutional Networks", ICLR 2017, arXiv:1609.02907. The narrower side of W
 * is summed over neighbours, which changes no more than roundings. Throws `engine/missing-graph`.
 *
 * @example
 * ```ts
 * import { constant, evaluate, nn } from "@anabranch/engine";
 * const layer = nn.graphConvolution("conv", 1, 1, { bias: false });
 * const x = constant([1, 5], [2, 1]);
 * // one edge, from node 1 to node 0
 * const [from, to] = [constant([1], [1], "int32"), constant([0], [1], "int32")];
 * const graph = { features: x, from, to, weights: constant([2], [1]) };
 * const y = layer.apply({ "conv.weight": constant([3], [1, 1]) }, x, { graph });
 * evaluate(y).data; // => [30, 0]
 * ```
 */
export function graphConvolution(
  name: string,
  inputs: number,
  outputs: number,
  options: { readonly bias?: boolean; readonly initialization?: Initialization } = {},
): Module {
  const { bias = true, initialization = torchInitialization } = options;
  const weight = parameter(name, "weight", [inputs, outputs], "matrix", initialization.weight(inputs, outputs));
  const offset = parameter(name, "bias", [outputs], "vector", initialization.bias(inputs));
  return {
    parameters: bias ? [weight, offset] : [weight],
    masks: [],
    apply(p, x, context) {
      const graph = graphOf(name, context);
      const [w, b] = [p[weight.name]!, bias ? p[offset.name]! : undefined];
      if (inputs < outputs) return affine(neighbourSum(x, graph), w, b);
      const sums = neighbourSum(affine(x, w, undefined), graph);
      return b === undefined ? sums : add(sums, b);
    },
  };
}

/** For each node the sum over the edges that lead to it, of their weight times the row of the node that they come from. */
function neighbourSum(x: Tensor, { from, to, weights }: GraphContext): Tensor {
  return scatterAdd(to, mul(gather(x, from), expandDims(weights, 1)), x.shape[0]!, x);
}

function graphOf(where: string, context: ApplyContext | undefined): GraphContext {
  if (context?.graph !== undefined) return context.graph;
  throw new AnabranchError({
    code: "engine/missing-graph",
    message: "a layer that looks at neighbours is given no graph",
    where,
    expected: "context.graph with the features of all nodes, and edges with weights",
    advice: "Pass the graph, or choose a model of single examples, such as mlp.",
  });
}
