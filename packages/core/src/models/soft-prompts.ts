import {
  AnabranchError,
  broadcastTo,
  concat,
  constant,
  expandDims,
  mul,
  nn,
  slice,
  type Tensor,
} from "@anabranch/engine";

/** Learned tokens in front of the sequences of a transformer, after its positions. */
const NAME = "prompts";

/**
 * A network of sequences [N, T, width] that sees `count` learned tokens in front of each; they are left out of what it gives
 * back. Parameter prompts.weight [count, width], normal of deviation 0.02. A count of 0: the network itself.
 *
 * B. Lester, R. Al-Rfou, N. Constant, "The Power of Scale for Parameter-Efficient Prompt Tuning", EMNLP 2021,
 * arXiv:2104.08691; for images M. Jia et al., "Visual Prompt Tuning", ECCV 2022, arXiv:2203.12119 (the shallow form).
 */
export function behindPrompts(count: number, width: number, network: nn.Module): nn.Module {
  return nn.sequential(promptsBefore(count, width), network, withoutPrompts(count));
}

/** Sequences [N, T, width] with `count` learned tokens in front of each, [N, count + T, width]. */
export function promptsBefore(count: number, width: number): nn.Module {
  if (count === 0) return nn.sequential();
  const weight = nn.parameter(NAME, "weight", [count, width], "embedding", nn.normal(0.02));
  return {
    parameters: [weight],
    masks: [],
    apply: (parameters, x) => concat([forEachSequence(x, expandDims(parameters[weight.name]!, 0)), x], 1),
  };
}

/** Sequences [N, count + T, width] without their first `count` tokens. */
export function withoutPrompts(count: number): nn.Module {
  if (count === 0) return nn.sequential();
  return nn.stateless((x) => {
    const [n, length, width] = x.shape as readonly [number, number, number];
    return slice(x, [0, count, 0], [n, length, width]);
  });
}

/** Tokens [1, count, width] for each sequence of x [N, T, width]; an exported model reads N when it runs. */
export function forEachSequence(x: Tensor, prompts: Tensor): Tensor {
  const [n, , width] = x.shape as readonly [number | string, number, number];
  if (typeof n === "number") return broadcastTo(prompts, [n, ...prompts.shape.slice(1)]);
  const first = slice(x, [0, 0, 0], [n, 1, width]);
  return mul(broadcastTo(constant(1), first.shape, first), prompts);
}

/** The failure of a model that no prompts fit. */
export function noPrompts(model: string): AnabranchError {
  return new AnabranchError({
    code: "adapters/prompts",
    message: "prompts are tokens, which this model does not have",
    where: "adapters.prompts",
    received: `model ${model}`,
    expected: "a built-in transformer: vit, vilt or char-transformer",
    advice: "Choose such a model, or low-rank adapters: adapters.rank.",
  });
}
