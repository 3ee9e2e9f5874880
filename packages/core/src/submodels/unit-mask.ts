import type { Layout } from "../params/layout.ts";
import { type ChainLayer, chainOf, unitsOf } from "./chain.ts";
import { type LayerMask, structuredMask } from "./exploration-mask.ts";

/**
 * A mask of single parameters without the hidden units most of whose incoming weights it prunes, see `structuredMask`: [d] of
 * 0 and 1. The mask itself where the model is no chain of dense and convolution layers.
 *
 * @example
 * ```ts
 * import { layout, mlp, withoutUnits } from "@anabranch/core";
 * const model = layout(mlp({ input: [1], hidden: [2], classes: 1 }).parameters);
 * // dense1.bias [2], dense1.weight [1, 2], dense2.bias [1], dense2.weight [2, 1]
 * withoutUnits(Uint8Array.of(1, 1, 0, 1, 1, 1, 1), model, 1); // => [0, 1, 0, 1, 1, 0, 1]
 * ```
 */
export function withoutUnits(mask: Uint8Array, model: Layout, dropShare: number): Uint8Array {
  const chain = chainOf(model);
  if (typeof chain === "string") return mask;
  const { layers } = structuredMask(
    chain.map((layer) => layerMask(mask, layer)),
    dropShare,
  );
  const next = mask.slice();
  for (const [index, layer] of chain.entries()) {
    const { weight, bias } = layers[index]!;
    for (const [unit, row] of weight.entries())
      for (const [k, kept] of row.entries()) next[layer.weight.offset + placeOf(layer, unit, k)] = kept;
    for (const vector of layer.vectors) for (const [unit, kept] of bias.entries()) next[vector.offset + unit]! &= kept;
  }
  return next;
}

/** The masks of a layer's weight by unit, [out][in], and of its bias; 1 where it has none. */
function layerMask(mask: Uint8Array, layer: ChainLayer): LayerMask {
  const { weight, vectors, inputs, each } = layer;
  const units = unitsOf(layer);
  const rowLength = weight.size / units;
  const rows = Array.from({ length: units }, (_, unit) =>
    Array.from({ length: rowLength }, (_, k) => mask[weight.offset + placeOf(layer, unit, k)]!),
  );
  const [vector] = vectors;
  const bias =
    vector === undefined ? Array.from(rows, () => 1) : Array.from(mask.subarray(vector.offset, vector.offset + units));
  return { weight: rows, bias, each: each * (rowLength / weight.shape[inputs]!) };
}

/** Place in the weight of the k-th number of what comes into a unit. */
function placeOf(layer: ChainLayer, unit: number, k: number): number {
  const units = unitsOf(layer);
  return layer.outputs === 0 ? unit * (layer.weight.size / units) + k : k * units + unit;
}
