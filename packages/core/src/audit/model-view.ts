/** What an audit must know of a model: whether it can be attacked by matching gradients, and where its layers are. */
import { AnabranchError, compileProgram, type SerializedGraph, trace } from "@anabranch/engine";
import type { Model } from "../models/model.ts";
import { sizeOf } from "../models/options.ts";
import { entryTypes, type Layout, layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import type { LayerGradient } from "./label-recovery.ts";

/** Operators whose second derivative is 0 or not there: matching by second-order search stalls on them. */
const NON_SMOOTH = new Set(["relu", "maxPool2d", "max", "maximum", "minimum", "clip", "abs", "sign"]);

/**
 * The operators of a model that have no useful second derivative, sorted; empty for a smooth model.
 *
 * @example
 * ```ts
 * import { mlp, nonSmoothParts } from "@anabranch/core";
 * nonSmoothParts(mlp({ input: [4], hidden: [3], classes: 2 })); // => ["relu"]
 * nonSmoothParts(mlp({ input: [4], hidden: [3], classes: 2, activation: "sigmoid" })); // => []
 * ```
 */
export function nonSmoothParts(model: Model): string[] {
  const types = {
    parameters: entryTypes(layout(model.parameters)),
    x: { dtype: model.features.dtype, shape: [1, ...model.features.shape] },
  } as const;
  const traced = trace(({ parameters, x }) => ({ outputs: model.forward(parameters, x) }), types);
  const operators = (graph: SerializedGraph): string[] =>
    graph.nodes.flatMap(({ operator, bodies }) => [operator, ...bodies.flatMap(operators)]);
  const used = new Set(operators(compileProgram("forward", traced).graph));
  return [...used].filter((name) => NON_SMOOTH.has(name)).sort();
}

/** Throws `audit/model` for models whose inputs or labels cannot be searched for: tokens, numbers to predict. */
export function requireSearchable({ name, features, words, labels, classes }: Model): void {
  const reason =
    features.dtype === "int32" || words !== undefined
      ? "features that are integers, such as characters"
      : labels.dtype === "float" || classes < 2
        ? "labels that are numbers to predict"
        : labels.shape.length > 0
          ? "several labels per example"
          : undefined;
  if (reason === undefined) return;
  throw new AnabranchError({
    code: "audit/model",
    message: "gradient matching searches for images or numeric features with one class label each",
    where: `model ${name}`,
    received: reason,
    expected: "float or uint8 features, and one class per example",
    advice: "Use --attack fc or labels, which need no search.",
  });
}

/**
 * The gradient of a dense layer [outputs][inputs] with its bias, from a gradient [d] of the whole model. Undefined where there
 * is no such layer, or its weights are not those of a dense layer.
 */
export function layerGradient(gradient: Vector, { entries }: Layout, block: string): LayerGradient | undefined {
  const own = entries.filter((entry) => entry.block === block);
  const weights = own.find(({ shape }) => shape.length === 2);
  if (weights === undefined) return undefined;
  const [inputs, outputs] = weights.shape as readonly [number, number];
  const bias = own.find(({ shape }) => shape.length === 1 && shape[0] === outputs);
  const rows = Array.from({ length: outputs }, () => new Float64Array(inputs));
  let at = weights.offset;
  for (let i = 0; i < inputs; i++) for (let row = 0; row < outputs; row++) rows[row]![i] = gradient[at++]!;
  const offsets = bias && Float64Array.from(gradient.subarray(bias.offset, bias.offset + outputs));
  return { weights: rows, bias: offsets };
}

/** The dense layer that takes the features themselves; undefined where the first layer is another. */
export function inputLayer({ features }: Model, { entries, blocks }: Layout): string | undefined {
  const first = blocks[0];
  const inputs = sizeOf(features.shape);
  const fits = entries.some(({ block, shape }) => block === first && shape.length === 2 && shape[0] === inputs);
  return fits ? first : undefined;
}

/** The dense layer with the logits; undefined where no layer is marked as the head. */
export function headLayer({ entries }: Layout): string | undefined {
  return entries.find(({ role, shape }) => role === "head" && shape.length === 2)?.block;
}
