/**
 * A model some of whose hidden units are left out, by masks that come with each order: what a unit gives is not read. It then
 * computes what the smaller model without these units does.
 */
import { AnabranchError, mul, reshape, type Tensor } from "@anabranch/engine";
import type { Model, ModelParameters } from "../models/model.ts";
import { layout } from "../params/layout.ts";
import { chainOf, unitsOf } from "./chain.ts";

/** A hidden layer of dense layers in a row. */
export interface HiddenLayer {
  readonly units: number;
  /** Weight [inputs, units] that makes the units, and the one [units, outputs] that reads them. */
  readonly makes: string;
  readonly reads: string;
}

/**
 * The hidden layers of a model, in order. Throws `submodels/chain` for one that is no chain of dense layers.
 *
 * @example
 * ```ts
 * import { hiddenLayers, mlp } from "@anabranch/core";
 * hiddenLayers(mlp({ input: [4], hidden: [8], classes: 2 })); // => [{ units: 8, makes: "dense1.weight", reads: "dense2.weight" }]
 * ```
 */
export function hiddenLayers(model: Model): readonly HiddenLayer[] {
  const layers = chainOf(layout(model.parameters));
  if (typeof layers === "string") throw noChain(model, layers);
  const kernel = layers.find(({ weight }) => weight.shape.length !== 2);
  if (kernel !== undefined) throw noChain(model, kernel.weight.name);
  if (layers.length < 2) throw noChain(model, "one layer, and so no hidden units");
  if (model.masks.length > 0) throw noChain(model, "dropout");
  return layers
    .slice(1)
    .map(({ weight }, i) => ({ units: unitsOf(layers[i]!), makes: layers[i]!.weight.name, reads: weight.name }));
}

/** Name of the vector of masks, whose entries are called as the weight that makes the units. */
export const KEPT_UNITS = "keptUnits";
const MASK = "kept.";

/**
 * The model with a mask for each hidden layer: 1 for units that are there, 0 for others. Clients receive them in the vector
 * `KEPT_UNITS`; without masks, as in evaluation, all units are there.
 *
 * @example
 * ```ts
 * import { hiddenLayers, mlp, withUnitMasks } from "@anabranch/core";
 * const model = mlp({ input: [4], hidden: [8], classes: 2 });
 * Object.keys(withUnitMasks(model, hiddenLayers(model)).received ?? {}); // => ["kept.dense1.weight"]
 * ```
 */
export function withUnitMasks(model: Model, layers: readonly HiddenLayer[]): Model {
  const masks = layers.map(({ makes }) => [MASK + makes, { vector: KEPT_UNITS, entry: makes }] as const);
  const factors = new Map(model.adapters?.pairs.map(({ weight, a }) => [weight, a]));
  return {
    ...model,
    received: { ...model.received, ...Object.fromEntries(masks) },
    forward(parameters, ...given) {
      const read = layers.flatMap(({ makes, reads }) => {
        const mask = parameters[MASK + makes];
        if (mask === undefined) return [];
        const names = [reads, ...(factors.has(reads) ? [factors.get(reads)!] : [])];
        return names.map((name) => [name, maskedRows(parameters, name, mask)] as const);
      });
      return model.forward({ ...parameters, ...Object.fromEntries(read) }, ...given);
    },
  };
}

/** Rows [units, ...] times the mask [units]. */
function maskedRows(parameters: ModelParameters, name: string, mask: Tensor): Tensor {
  return mul(parameters[name]!, reshape(mask, [mask.shape[0]!, 1]));
}

function noChain({ name }: Model, received: string): AnabranchError {
  return new AnabranchError({
    code: "submodels/chain",
    message: "it is not known which parameters of this model belong to which hidden units",
    where: `model ${name}`,
    received,
    expected: "a chain of dense layers without dropout: mlp",
    advice: "Take such a model, or leave adapters.pruned out.",
  });
}
