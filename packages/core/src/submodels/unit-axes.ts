import { AnabranchError } from "@anabranch/engine";
import type { Model } from "../models/model.ts";
import type { Layout, LayoutEntry } from "../params/layout.ts";
import { type ChainLayer, chainOf } from "./chain.ts";

/** An axis of a parameter that counts hidden units: `each` indices in a row for every one of `units`. */
export interface UnitAxis {
  readonly axis: number;
  readonly units: number;
  readonly each: number;
}

/** By name of the parameter; those that are not listed have the same shape in a model of any width. */
export type UnitAxes = Readonly<Record<string, readonly UnitAxis[]>>;

/**
 * Which axes of a model's parameters count hidden units, for a chain of dense and convolution layers: the outputs of every
 * layer but the last, and the inputs of every layer but the first. A channel that was flattened has several inputs in a row.
 * A model of single coordinates (`sliced`) has them along the first axis. Throws `submodels/chain` for other models.
 *
 * @example
 * ```ts
 * import { layout, mlp, unitAxes } from "@anabranch/core";
 * const model = mlp({ input: [4], hidden: [8], classes: 2 });
 * unitAxes(model, layout(model.parameters))["dense2.weight"]; // => [{ axis: 0, units: 8, each: 1 }]
 * ```
 */
export function unitAxes(model: Model, layout: Layout): UnitAxes {
  if (model.sliced !== undefined)
    return Object.fromEntries(layout.entries.map((entry) => [entry.name, [whole(entry, 0)]]));
  if (model.masks.length > 0) throw noChain(model, "dropout, whose masks have the units of the whole model");
  const layers = chainOf(layout);
  if (typeof layers === "string") throw noChain(model, layers);
  if (layers.length < 2) throw noChain(model, "one layer, and so no hidden units");
  return Object.fromEntries(layers.flatMap((layer, index) => axesOf(layer, index > 0, index < layers.length - 1)));
}

/** Of the parameters of a layer, whose inputs and outputs may be hidden units. */
function axesOf(
  { weight, vectors, inputs, outputs, each }: ChainLayer,
  hiddenInputs: boolean,
  hiddenOutputs: boolean,
): (readonly [string, readonly UnitAxis[]])[] {
  const before = { axis: inputs, units: weight.shape[inputs]! / each, each };
  const axes = [...(hiddenInputs ? [before] : []), ...(hiddenOutputs ? [whole(weight, outputs)] : [])];
  return [
    [weight.name, axes.sort((a, b) => a.axis - b.axis)],
    ...vectors.map((entry) => [entry.name, hiddenOutputs ? [whole(entry, 0)] : []] as const),
  ];
}

function whole({ shape }: LayoutEntry, axis: number): UnitAxis {
  return { axis, units: shape[axis]!, each: 1 };
}

function noChain({ name }: Model, received: string): AnabranchError {
  return new AnabranchError({
    code: "submodels/chain",
    message: "it is not known which parameters of this model belong to which hidden units",
    where: `model ${name}`,
    received,
    expected: "a chain of dense and convolution layers without dropout: mlp, cnn-28x28, lenet5",
    advice: 'Take such a model, or a method whose clients train all of it, e.g. algorithm.name = "fedavg".',
  });
}
