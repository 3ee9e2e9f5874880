import { AnabranchError } from "@anabranch/engine";
import type { Model } from "../models/model.ts";
import type { Layout, LayoutEntry } from "../params/layout.ts";

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
export function unitAxes(model: Model, { entries, blocks }: Layout): UnitAxes {
  if (model.sliced !== undefined) return Object.fromEntries(entries.map((entry) => [entry.name, [whole(entry, 0)]]));
  if (model.masks.length > 0) throw noChain(model, "dropout, whose masks have the units of the whole model");
  if (blocks.length < 2) throw noChain(model, "one layer, and so no hidden units");
  const found: Record<string, readonly UnitAxis[]> = {};
  let before: number | undefined;
  for (const [index, block] of blocks.entries()) {
    const own = entries.filter((entry) => entry.block === block);
    const layer = layerOf(model, own);
    const isLast = index === blocks.length - 1;
    const inputs = before === undefined ? [] : [inputAxis(model, layer, before)];
    found[layer.weight.name] = [...inputs, ...(isLast ? [] : [whole(layer.weight, layer.outputs)])].sort(
      (a, b) => a.axis - b.axis,
    );
    for (const { name, size } of layer.vectors) found[name] = isLast ? [] : [{ axis: 0, units: size, each: 1 }];
    before = layer.weight.shape[layer.outputs]!;
  }
  return found;
}

interface Layer {
  readonly weight: LayoutEntry;
  readonly vectors: readonly LayoutEntry[];
  /** Axes of the weight. */
  readonly inputs: number;
  readonly outputs: number;
}

function layerOf(model: Model, entries: readonly LayoutEntry[]): Layer {
  const odd = entries.find(({ role }) => role === "normalization" || role === "embedding");
  if (odd !== undefined) throw noChain(model, `${odd.name}, which mixes or looks up units`);
  const [weight, another] = entries.filter(({ shape }) => shape.length > 1);
  if (weight === undefined || another !== undefined) throw noChain(model, `the layer ${entries[0]!.block}`);
  const [inputs, outputs] = weight.role === "convKernel" ? [1, 0] : [0, 1];
  const vectors = entries.filter((entry) => entry !== weight);
  const stray = vectors.find(({ size }) => size !== weight.shape[outputs]);
  if (stray !== undefined) throw noChain(model, `${stray.name} with ${stray.size} values`);
  return { weight, vectors, inputs, outputs };
}

function inputAxis(model: Model, { weight, inputs }: Layer, units: number): UnitAxis {
  const extent = weight.shape[inputs]!;
  if (extent % units !== 0) throw noChain(model, `${weight.name} with ${extent} inputs after ${units} units`);
  return { axis: inputs, units, each: extent / units };
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
