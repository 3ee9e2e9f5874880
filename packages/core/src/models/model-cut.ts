import { AnabranchError, nn, type Tensor } from "@anabranch/engine";
import type { Model, ModelParameters } from "./model.ts";

/** Where a model is cut: blocks before the first cut, and blocks after the second one. */
export interface CutSettings {
  readonly headBlocks: number;
  readonly tailBlocks: number;
}

/** A part of a model, from activations, or raw features, to activations, or outputs. */
export interface ModelPart {
  readonly parameters: readonly nn.ParameterSpec[];
  apply(parameters: ModelParameters, x: Tensor, context?: nn.ApplyContext): Tensor;
}

/** A model in three parts that follow each other. */
export interface ModelCut {
  /** What comes before the blocks, and the first of them. */
  readonly head: ModelPart;
  readonly body: ModelPart;
  /** The last blocks and what comes after them. */
  readonly tail: ModelPart;
  /** Shape of what one example is at both cuts. */
  readonly activation: readonly number[];
}

/**
 * Cuts a model between its blocks; tail(body(head(x))) is the model. A vision transformer has its transformer blocks, an MLP
 * whose hidden layers are all as wide has those after the first.
 *
 * @throws `model/cut` for models without such blocks, or where none is left for the body
 * @example
 * ```ts
 * import { cutModel, vit } from "@anabranch/core";
 * const { body, activation } = cutModel(vit({ depth: 3 }), { headBlocks: 1, tailBlocks: 1 });
 * activation; // => [64, 64]
 * new Set(body.parameters.map(({ name }) => name.split(".")[0])).has("block2"); // => true
 * ```
 */
export function cutModel(model: Model, { headBlocks, tailBlocks }: CutSettings): ModelCut {
  const { prepare, before, blocks, after, activation } = requireBlocks(model, headBlocks + tailBlocks);
  const end = blocks.length - tailBlocks;
  const head = nn.sequential(before, ...blocks.slice(0, headBlocks));
  return {
    head: { ...head, apply: (parameters, x, context) => head.apply(parameters, prepare(x), context) },
    body: nn.sequential(...blocks.slice(headBlocks, end)),
    tail: nn.sequential(...blocks.slice(end), after),
    activation,
  };
}

/**
 * The shortcut network of a model that is cut: tail(head(x)), which a client has without the body.
 *
 * @throws `model/cut`
 * @example
 * ```ts
 * import { shortcutModel, vit } from "@anabranch/core";
 * const whole = vit({ depth: 3 });
 * const short = shortcutModel(whole, { headBlocks: 1, tailBlocks: 1 });
 * whole.parameters.length - short.parameters.length; // => 16
 * ```
 */
export function shortcutModel(model: Model, settings: CutSettings): Model {
  const { head, tail } = cutModel(model, settings);
  const { blocks: _whole, base: _base, sliced: _sliced, ...rest } = model;
  return {
    ...rest,
    parameters: [...head.parameters, ...tail.parameters],
    forward: (parameters, x, context) => tail.apply(parameters, head.apply(parameters, x, context), context),
  };
}

function requireBlocks({ name, blocks }: Model, outside: number): NonNullable<Model["blocks"]> {
  const refuse = (received: string, expected: string, advice: string) =>
    new AnabranchError({
      code: "model/cut",
      message: "the model cannot be cut into a head, a body and a tail",
      where: `model ${name}`,
      received,
      expected,
      advice,
    });
  if (blocks === undefined)
    throw refuse(
      "no blocks of one width",
      "blocks that follow each other",
      "Use model vit or vilt, or an mlp of equal widths.",
    );
  const { length } = blocks.blocks;
  if (outside >= length)
    throw refuse(
      `${length} blocks, ${outside} of them in head and tail`,
      "a block at least for the body",
      "Make the model deeper, or lower headBlocks or tailBlocks.",
    );
  return blocks;
}
