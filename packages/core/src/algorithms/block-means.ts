import { broadcastTo, mean, reshape, type Tensor } from "@anabranch/engine";
import type { Layout, LayoutEntry } from "../params/layout.ts";
import { layout } from "../params/layout.ts";
import type { ParameterTensors } from "./algorithm.ts";

/**
 * How a tensor divides into blocks of similar curvature:
 *   "tensor": one block a tensor;
 *   "paper": the same, but query, key and value maps by attention head (FedAdamW, arXiv:2510.27486);
 *   "adam-mini": embeddings by row; query and key by head; other matrices by output neuron; biases by coordinate; the rest
 *     one block a tensor (Y. Zhang et al., "Adam-mini: Use Fewer Learning Rates To Gain More", ICLR 2025, arXiv:2406.16793);
 *   "coordinate": every coordinate by itself.
 */
export type BlockStrategy = "tensor" | "paper" | "adam-mini" | "coordinate";

/** Equal contiguous parts of one axis; undefined: every coordinate is a block. */
type Blocks = { readonly axis: number; readonly groups: number } | undefined;

const WHOLE: Blocks = { axis: 0, groups: 1 };

function blocksOf(entry: LayoutEntry, strategy: BlockStrategy): Blocks {
  const last = entry.shape.length - 1;
  if (strategy === "coordinate") return undefined;
  if (strategy === "tensor") return WHOLE;
  const heads = entry.heads > 1 ? { axis: last, groups: entry.heads } : undefined;
  if (strategy === "paper") return heads ?? WHOLE;
  if (entry.shape.length < 2) return entry.name.endsWith(".bias") ? undefined : WHOLE;
  if (entry.role === "embedding") return { axis: 0, groups: entry.shape[0]! };
  if (entry.role === "convKernel") return WHOLE;
  const joint = heads !== undefined && /\.(query|key)$/.test(entry.block);
  return joint ? heads : { axis: last, groups: entry.shape[last]! };
}

/** Layout of the block means of a model-shaped tree. */
export function blockLayout(model: Layout, strategy: BlockStrategy): Layout {
  return layout(
    model.entries.map((entry) => {
      const blocks = blocksOf(entry, strategy);
      return { ...entry, shape: blocks === undefined ? entry.shape : [blocks.groups] };
    }),
  );
}

/** Mean of every block: [groups] for each tensor. */
export function blockMeans(values: ParameterTensors, model: Layout, strategy: BlockStrategy): ParameterTensors {
  return mapEntries(values, model, strategy, (x, entry, { axis, groups }) => {
    const parts = reshape(x, split(entry.shape, axis, groups));
    const others = Array.from({ length: entry.shape.length + 1 }, (_, i) => i).filter((i) => i !== axis);
    return mean(parts, others);
  });
}

/** Every coordinate becomes the mean of its block. */
export function expandBlocks(means: ParameterTensors, model: Layout, strategy: BlockStrategy): ParameterTensors {
  return mapEntries(means, model, strategy, (x, entry, { axis, groups }) => {
    const shape = split(entry.shape, axis, groups);
    const column = reshape(
      x,
      shape.map((extent, i) => (i === axis ? extent : 1)),
    );
    return reshape(broadcastTo(column, shape), entry.shape);
  });
}

/** [.., extent, ..] -> [.., groups, extent / groups, ..] */
function split(shape: readonly number[], axis: number, groups: number): number[] {
  return [...shape.slice(0, axis), groups, shape[axis]! / groups, ...shape.slice(axis + 1)];
}

function mapEntries(
  values: ParameterTensors,
  model: Layout,
  strategy: BlockStrategy,
  fn: (x: Tensor, entry: LayoutEntry, blocks: NonNullable<Blocks>) => Tensor,
): ParameterTensors {
  return Object.fromEntries(
    model.entries.map((entry) => {
      const blocks = blocksOf(entry, strategy);
      const value = values[entry.name]!;
      return [entry.name, blocks === undefined ? value : fn(value, entry, blocks)];
    }),
  );
}
