import { broadcastTo, mean, reshape, type Tensor } from "@anabranch/engine";
import { entryView, type Layout, type LayoutEntry, layout } from "../params/layout.ts";
import { norm2, type Vector } from "../params/vector.ts";
import type { ParameterTensors } from "./algorithm.ts";

/**
 * How a tensor divides into blocks of similar curvature:
 *   "tensor": one block a tensor;
 *   "paper": the same, but query, key and value maps by attention head (FedAdamW, arXiv:2510.27486);
 *   "adam-mini": embeddings by row; query and key by head; other matrices by output neuron; biases by coordinate; the rest
 *     one block a tensor (Y. Zhang et al., "Adam-mini: Use Fewer Learning Rates To Gain More", ICLR 2025, arXiv:2406.16793);
 *   "coordinate": every coordinate by itself.
 */
export const blockStrategies = ["tensor", "paper", "adam-mini", "coordinate"] as const;
export type BlockStrategy = (typeof blockStrategies)[number];

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

/** Squared norm of a vector [d] in which every coordinate is replaced by the mean of its block. */
export function blockSquare(vector: Vector, model: Layout, strategy: BlockStrategy): number {
  return model.entries.reduce((sum, entry) => {
    const values = entryView(vector, entry);
    const blocks = blocksOf(entry, strategy);
    return sum + (blocks === undefined ? norm2(values) ** 2 : meansSquare(values, entry, blocks));
  }, 0);
}

function meansSquare(values: Vector, { shape, size }: LayoutEntry, { axis, groups }: NonNullable<Blocks>): number {
  const run = shape.slice(axis).reduce((a, b) => a * b, 1) / groups; // contiguous elements of one block
  const sums = new Float64Array(groups);
  for (let begin = 0; begin < size; begin += run) {
    const group = (begin / run) % groups;
    for (let i = begin; i < begin + run; i++) sums[group]! += values[i]!;
  }
  const count = size / groups;
  return sums.reduce((total, sum) => total + (sum / count) ** 2 * count, 0);
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
