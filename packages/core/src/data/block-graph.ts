import { type RandomKey, randomStream } from "../random/index.ts";
import type { ArrayDataset } from "./dataset.ts";

/** Sizes of a graph of blocks. */
export interface BlockGraphSettings {
  readonly blocks: number;
  readonly nodesPerBlock: number;
  /** The first half of the blocks is in the first group, and so on. */
  readonly groups: number;
  readonly classes: number;
  readonly features: number;
  /** Probability of an edge between two nodes of a block, and of two blocks. */
  readonly inside: number;
  readonly between: number;
}

/**
 * The bundled one: 8 blocks of 60 nodes in 2 groups.
 *
 * @example
 * ```ts
 * import { BLOCK_GRAPH } from "@anabranch/core";
 * BLOCK_GRAPH.blocks * BLOCK_GRAPH.nodesPerBlock; // => 480
 * ```
 */
export const BLOCK_GRAPH: BlockGraphSettings = {
  blocks: 8,
  nodesPerBlock: 60,
  groups: 2,
  classes: 4,
  features: 16,
  inside: 0.15,
  between: 0.02,
};

/**
 * A stochastic block model: communities that learn two things. Each node has a class at random, and features that are the
 * mean of its class in its group, standard normal for every group, plus standard normal noise. `groups` of the result is the
 * block. Edges do not know classes.
 *
 * P. W. Holland, K. B. Laskey, S. Leinhardt, "Stochastic Blockmodels: First Steps", Social Networks 5, 1983.
 *
 * @example
 * ```ts
 * import { BLOCK_GRAPH, blockGraph, rootKey } from "@anabranch/core";
 * blockGraph(rootKey(1), BLOCK_GRAPH).features.shape; // => [480, 16]
 * ```
 */
export function blockGraph(key: RandomKey, settings: BlockGraphSettings): ArrayDataset {
  const { blocks, nodesPerBlock, groups, classes, features: width, inside, between } = settings;
  const n = blocks * nodesPerBlock;
  const stream = randomStream(key);
  const means = Float64Array.from({ length: groups * classes * width }, () => stream.normal());
  const labels = Uint8Array.from({ length: n }, () => stream.below(classes));
  const blockOf = (node: number) => Math.floor(node / nodesPerBlock);
  const features = new Float32Array(n * width);
  for (const [node, label] of labels.entries()) {
    const group = Math.floor((blockOf(node) * groups) / blocks);
    const first = (group * classes + label) * width;
    for (let j = 0; j < width; j++) features[node * width + j] = means[first + j]! + stream.normal();
  }
  const edges: number[] = [];
  for (let a = 0; a < n; a++) {
    for (let b = a + 1; b < n; b++) {
      if (stream.float() < (blockOf(a) === blockOf(b) ? inside : between)) edges.push(a, b);
    }
  }
  return {
    name: "block-graph",
    features: { dtype: "float", shape: [n, width], data: features },
    labels: { dtype: "uint8", shape: [n], data: labels },
    classes,
    groups: Int32Array.from({ length: n }, (_, node) => blockOf(node)),
    groupNames: Array.from({ length: blocks }, (_, block) => `block ${block + 1}`),
    graph: { nodes: Int32Array.from({ length: n }, (_, node) => node), edges: Int32Array.from(edges) },
  };
}
