import type { Layout, LayoutEntry } from "../params/layout.ts";

/** A layer of a chain: a weight and vectors as long as its outputs. */
export interface ChainLayer {
  readonly weight: LayoutEntry;
  readonly vectors: readonly LayoutEntry[];
  /** Axes of the weight that count inputs and outputs. */
  readonly inputs: number;
  readonly outputs: number;
  /** Inputs in a row that belong to one unit of the layer before: a channel that was flattened has several. */
  readonly each: number;
}

/**
 * The dense and convolution layers of a model in their order, where each takes the outputs of the one before; or what of the
 * model is no such chain.
 *
 * @example
 * ```ts
 * import { chainOf, layout, mlp } from "@anabranch/core";
 * const chain = chainOf(layout(mlp({ input: [4], hidden: [8], classes: 2 }).parameters));
 * typeof chain === "string" ? chain : chain.map(({ weight }) => weight.name); // => ["dense1.weight", "dense2.weight"]
 * ```
 */
export function chainOf({ entries, blocks }: Layout): readonly ChainLayer[] | string {
  const layers: ChainLayer[] = [];
  for (const block of blocks) {
    const layer = layerOf(
      entries.filter((entry) => entry.block === block),
      layers.at(-1),
    );
    if (typeof layer === "string") return layer;
    layers.push(layer);
  }
  return layers;
}

/** Outputs of a layer. */
export function unitsOf({ weight, outputs }: ChainLayer): number {
  return weight.shape[outputs]!;
}

function layerOf(entries: readonly LayoutEntry[], before: ChainLayer | undefined): ChainLayer | string {
  const odd = entries.find(({ role }) => role === "normalization" || role === "embedding");
  if (odd !== undefined) return `${odd.name}, which mixes or looks up units`;
  const [weight, another] = entries.filter(({ shape }) => shape.length > 1);
  if (weight === undefined || another !== undefined) return `the layer ${entries[0]!.block}`;
  const [inputs, outputs] = weight.role === "convKernel" ? ([1, 0] as const) : ([0, 1] as const);
  const vectors = entries.filter((entry) => entry !== weight);
  const stray = vectors.find(({ size }) => size !== weight.shape[outputs]);
  if (stray !== undefined) return `${stray.name} with ${stray.size} values`;
  const extent = weight.shape[inputs]!;
  const units = before === undefined ? extent : unitsOf(before);
  if (extent % units !== 0) return `${weight.name} with ${extent} inputs after ${units} units`;
  return { weight, vectors, inputs, outputs, each: extent / units };
}
