import { resolveDim } from "../graph/shape.ts";
import type { Shape } from "../graph/types.ts";
import { matmulExtents } from "../ops/matmul.ts";
import type { LoopProgram } from "./loop.ts";
import type { Program } from "./program.ts";
import type { SerializedGraph, SerializedNode } from "./serialize.ts";

/** Operators that only move, view or convert elements. */
const MOVES = new Set(
  "input constant identity stopGradient lowRankProduct cast reshape transpose broadcastTo slice pad concat gather gatherLast".split(
    " ",
  ),
);

/** How a program is run. */
export interface FlopSettings {
  /** Extents of the program's symbolic dimensions, by name. */
  readonly symbols: Readonly<Record<string, number>>;
  /** Share of the runs in which a `cond` takes its more expensive branch. Default 1: an upper bound. */
  readonly expensiveShare?: number;
}

/**
 * Floating-point operations of one run of a program, counted from its graph as traced, once equal expressions are merged:
 *
 *   matmul                     2 m k n for each matrix of the batch (a multiplication and an addition count as two)
 *   convolution, its adjoints  2 (elements of y) (C / groups) kh kw
 *   scan                       steps x body
 *   cond                       the branches, weighted by `expensiveShare`
 *   moves of elements          0
 *   all others                 1 for each element of the largest operand or result, whatever the function
 *
 * Not counted: host kernels between the segments of a loop (eigenvectors, QR), and steps that such a loop takes anew. What
 * an executor does may differ: Winograd convolutions multiply less, padding multiplies zeros.
 *
 * @returns FLOPs, an integer where `expensiveShare` is 0 or 1
 * @throws AnabranchError `engine/symbolic-dimension` where a symbol has no extent
 * @example
 * ```ts
 * import { compileProgram, countFlops, matmul, trace, transpose } from "@anabranch/engine";
 * const type = { dtype: "float", shape: ["N", 10] } as const;
 * const graph = trace(({ x }) => ({ y: matmul(x, transpose(x, [1, 0])) }), { x: type });
 * const program = compileProgram("gram", graph);
 * countFlops(program, { symbols: { N: 3 } }); // => 180
 * ```
 */
export function countFlops(program: Program | LoopProgram, { symbols, expensiveShare = 1 }: FlopSettings): number {
  const extents = new Map(Object.entries(symbols));
  const count = (graph: SerializedGraph) => graphFlops(graph, extents, expensiveShare);
  if ("graph" in program) return count(program.graph);
  return count(program.head.graph) + count(program.body.graph) + count(program.tail.graph);
}

type Extents = ReadonlyMap<string, number>;

function graphFlops({ nodes }: SerializedGraph, extents: Extents, share: number): number {
  return nodes.reduce((sum, node) => {
    const inputs = node.inputs.map(([from, output]) => nodes[from]!.outputs[output]!.shape);
    return sum + nodeFlops(node, inputs, extents, share);
  }, 0);
}

function nodeFlops(node: SerializedNode, inputs: readonly Shape[], extents: Extents, share: number): number {
  const { operator, attributes, bodies } = node;
  const size = (shape: Shape) => shape.reduce<number>((n, dim) => n * resolveDim(dim, extents), 1);
  const outputs = node.outputs.map(({ shape }) => shape);
  if (MOVES.has(operator)) return 0;
  switch (operator) {
    case "scan": {
      const length = inputs[attributes["carries"] as number]![0]!;
      return resolveDim(length, extents) * graphFlops(bodies[0]!, extents, share);
    }
    case "cond": {
      const [a, b] = bodies.map((body) => graphFlops(body, extents, share)) as [number, number];
      return share * Math.max(a, b) + (1 - share) * Math.min(a, b);
    }
    case "matmul":
      return 2 * size(outputs[0]!) * resolveDim(matmulExtents(inputs[0]!, inputs[1]!, attributes).k, extents);
    case "conv2d":
      return 2 * size(outputs[0]!) * size(inputs[1]!.slice(1));
    case "conv2dInputGradient":
      return 2 * size(inputs[0]!) * size(inputs[1]!.slice(1));
    case "conv2dWeightGradient":
      return 2 * size(inputs[1]!) * size(outputs[0]!.slice(1));
    default:
      return Math.max(...[...inputs, ...outputs].map(size));
  }
}
