import { AnabranchError, matmul, mul, nn, reshape, type Tensor } from "@anabranch/engine";
import * as z from "zod";
import { adapterTargets } from "./adapter-targets.ts";
import type { AdapterPair, Model, ModelParameters } from "./model.ts";

/**
 * Options of low-rank adapters, with defaults and descriptions.
 *
 * @example
 * ```ts
 * import { adapterOptions } from "@anabranch/core";
 * adapterOptions.parse({ rank: 4 }).targets; // => []
 * ```
 */
export const adapterOptions = z.strictObject({
  rank: z.int().positive().describe("rank of the adapters, at most the smaller side of a weight"),
  alpha: z
    .number()
    .positive()
    .optional()
    .describe("adapters count alpha / rank; omitted: 2 x rank, or rank where a core is trained"),
  targets: z
    .union([z.string().min(1), z.array(z.string().min(1)).max(1000)])
    .default([])
    .describe('weights that get adapters: layers, parameters, or patterns such as "*.query"; omitted: all'),
  core: z.boolean().default(false).describe("train a small matrix between the factors, and not the factors"),
});

const A = ".lora.a";
const B = ".lora.b";
const CORE = ".lora.core";

/**
 * A model whose chosen weights W become W + (alpha / rank) A B, with A drawn and B zero at first, so that it starts as the
 * model that it adapts. The other parameters stay as they are; a run freezes them.
 *
 * Dense weights [inputs, outputs] have A [inputs, r], B [r, outputs]; kernels of convolutions [outputs, inputs, size, size]
 * have A [r, inputs, size, size], B [outputs, r, 1, 1].
 *
 * Citation: E. J. Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022, arXiv:2106.09685.
 * @throws `parameters/unknown` for targets that fit nothing, `adapters/target` for one that is no matrix, `adapters/rank` for
 *   a rank that no weight can have
 * @example
 * ```ts
 * import { mlp, withAdapters } from "@anabranch/core";
 * const model = withAdapters(mlp({ input: [4], hidden: [8], classes: 2 }), { rank: 2, targets: "dense1" });
 * model.adapters?.pairs.map(({ a }) => a); // => ["dense1.weight.lora.a"]
 * ```
 */
export function withAdapters(base: Model, options: z.input<typeof adapterOptions>): Model {
  const { rank, core, alpha = core ? rank : 2 * rank, targets } = adapterOptions.parse(options);
  const scale = alpha / rank;
  const adapted = adapterTargets(base, targets, LOW_RANK_TARGETS);
  requireRank(base.name, rank, adapted, "adapters.rank");
  const pairs = adapted.map(({ name }) => {
    return { weight: name, a: name + A, b: name + B, ...(core ? { core: name + CORE } : {}) };
  });
  return {
    ...base,
    base,
    parameters: [...base.parameters, ...adapted.flatMap((weight) => factorsOf(weight, rank, core))],
    adapters: { base, pairs, scale },
    forward: (parameters, features, context) =>
      base.forward(adaptedParameters(parameters, pairs, scale), features, context),
  };
}

/** The values under which the base model computes as the adapted one. */
function adaptedParameters(parameters: ModelParameters, pairs: readonly AdapterPair[], scale: number): ModelParameters {
  const sums = pairs.map(({ weight, a, b, core }) => {
    const [first, second] = [parameters[a]!, mul(parameters[b]!, scale)];
    const inner = core === undefined ? { a: first, b: second } : withCore(first, second, parameters[core]!);
    return [weight, nn.lowRankSum({ weight: parameters[weight]!, ...inner })];
  });
  return { ...parameters, ...Object.fromEntries(sums) };
}

/** A R B for dense weights; for kernels, whose first factor is the inner one, B R A. */
function withCore(a: Tensor, b: Tensor, core: Tensor): { readonly a: Tensor; readonly b: Tensor } {
  if (a.shape.length === 2) return { a, b: matmul(core, b) };
  const flat = reshape(b, b.shape.slice(0, 2));
  return { a, b: reshape(matmul(flat, core), b.shape) };
}

/** Weights that a product of two factors can be added to. */
export const LOW_RANK_TARGETS = {
  fits: ({ role, shape }: nn.ParameterSpec) =>
    (shape.length === 2 && (role === "matrix" || role === "head")) || (shape.length === 4 && role === "convKernel"),
  expected: "the weight of a dense or a convolution layer",
};

/** A weight [inputs, outputs], as adapters see it. */
export function extentsOf({ shape }: Pick<nn.ParameterSpec, "shape">): readonly [inputs: number, outputs: number] {
  return shape.length === 2 ? (shape as [number, number]) : [product(shape.slice(1)), shape[0]!];
}

/** Rank of the factor A [inputs, r], or [r, inputs, size, size] of a convolution. */
export function rankOfFactor({ shape }: { readonly shape: readonly unknown[] }): number {
  return (shape.length === 2 ? shape[1] : shape[0]) as number;
}

/** Smaller weights have adapters of their full rank. Throws `adapters/rank` where all are smaller. */
export function requireRank(model: string, rank: number, adapted: readonly nn.ParameterSpec[], where: string): void {
  const most = Math.max(...adapted.map((weight) => Math.min(...extentsOf(weight))));
  if (rank <= most) return;
  throw new AnabranchError({
    code: "adapters/rank",
    message: "a rank is above the smaller side of every weight with an adapter",
    where,
    received: `${rank}, of ${adapted.length === 1 ? adapted[0]!.name : `${adapted.length} weights`} of model ${model}`,
    expected: `1 to ${most}`,
    advice: `Lower ${where}, or name larger weights in adapters.targets.`,
  });
}

function factorsOf(weight: nn.ParameterSpec, rank: number, core: boolean): nn.ParameterSpec[] {
  const { name, shape, role, block } = weight;
  const dense = shape.length === 2;
  const [inputs, outputs] = extentsOf(weight);
  const r = Math.min(rank, inputs, outputs);
  const initialize = nn.kaimingUniform(inputs);
  const [a, b] = dense
    ? [
        [inputs, r],
        [r, outputs],
      ]
    : [
        [r, ...shape.slice(1)],
        [outputs, r, 1, 1],
      ];
  return [
    { name: name + A, shape: a!, role, block, initialize },
    { name: name + B, shape: b!, role, block, initialize: core ? nn.kaimingUniform(r) : nn.zeros },
    ...(core ? [{ name: name + CORE, shape: [r, r], role, block, initialize: nn.zeros }] : []),
  ];
}

const product = (extents: readonly number[]) => extents.reduce((all, extent) => all * extent, 1);

/**
 * Parameters that a model with adapters does not train by itself: those of the model that it adapts.
 *
 * @example
 * ```ts
 * import { frozenBase, mlp, withAdapters } from "@anabranch/core";
 * frozenBase(withAdapters(mlp({ input: [4], hidden: [], classes: 2 }), { rank: 1 })); // => ["dense1.weight", "dense1.bias"]
 * ```
 */
export function frozenBase({ base }: Pick<Model, "base">): readonly string[] {
  return base?.parameters.map(({ name }) => name) ?? [];
}
