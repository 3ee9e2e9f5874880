import { AnabranchError, abs, constant, evaluate, transpose } from "@anabranch/engine";
import { entryView, type Layout, type LayoutEntry } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import { chainOf } from "./chain.ts";
import { keptCount, keptEntries, synapticFlow } from "./sign-network.ts";

/**
 * The weights [inputs, outputs] of a chain of dense layers, in their order. Throws `submodels/dense` for other models.
 *
 * @example
 * ```ts
 * import { denseWeights, layout, mlp } from "@anabranch/core";
 * const model = layout(mlp({ input: [4], hidden: [8], classes: 2 }).parameters);
 * denseWeights(model).map(({ shape }) => shape); // => [[4, 8], [8, 2]]
 * ```
 */
export function denseWeights(model: Layout): readonly LayoutEntry[] {
  const chain = chainOf(model);
  const other =
    typeof chain === "string" ? chain : chain.find(({ weight }) => weight.role === "convKernel")?.weight.name;
  if (typeof chain !== "string" && other === undefined) return chain.map(({ weight }) => weight);
  throw new AnabranchError({
    code: "submodels/dense",
    message: "the flow through this model is not known",
    where: `layers ${model.blocks.slice(0, 10).join(", ")}`,
    received: other!,
    expected: 'a chain of dense layers, as model.name = "mlp" has it',
    advice:
      'Set model.name = "mlp" without [parameters] and [adapters], or take another method, e.g. algorithm.name = "autoflip".',
  });
}

/**
 * Places in the flat vector [d] of the weights that carry most, see `synapticFlow` and `keptEntries`; ascending. Throws
 * `submodels/dense` where it cannot be told, or where the share leaves none.
 *
 * @param values [d]
 */
export function keptWeights(values: Vector, model: Layout, share: number): Int32Array {
  const entries = denseWeights(model);
  const magnitudes = entries.map((entry) => {
    const weight = constant(Float64Array.from(entryView(values, entry)), entry.shape);
    return abs(transpose(weight, [1, 0]));
  });
  const flows = synapticFlow(magnitudes).map((flow) => evaluate(transpose(flow, [1, 0])).data);
  const kept = keptEntries(
    flows.flatMap((flow) => Array.from(flow)),
    share,
  );
  const places = entries.flatMap(({ offset, size }) => Array.from({ length: size }, (_, k) => offset + k));
  return Int32Array.from(places.filter((_, k) => kept[k] === 1)).sort();
}

/** Places up to this one are exact as float32. */
const LAST_PLACE = 2 ** 24;

/**
 * Number of weights that are kept of a model's. Throws `submodels/dense` as `denseWeights`, where none is, and where places
 * of weights are no exact floats.
 */
export function countKept(model: Layout, share: number): number {
  if (model.size > LAST_PLACE) {
    throw new AnabranchError({
      code: "submodels/dense",
      message: "the model is too large for places of weights as floats",
      where: "model",
      received: `${model.size} parameters`,
      expected: `at most ${LAST_PLACE}`,
    });
  }
  const weights = denseWeights(model).reduce((sum, { size }) => sum + size, 0);
  const kept = keptCount(weights, share);
  if (kept > 0) return kept;
  throw new AnabranchError({
    code: "submodels/dense",
    message: "no weight of the model is kept",
    where: "algorithm.keep",
    received: `${share} of ${weights} weights`,
    expected: `at least ${1 / weights}`,
  });
}

/** One bit for each value, 1 where it is negative; the first is the highest of its byte. */
export function packSigns(values: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(values.length / 8));
  for (let i = 0; i < values.length; i++) if (values[i]! < 0) bytes[i >>> 3]! |= 128 >>> (i & 7);
  return bytes;
}
