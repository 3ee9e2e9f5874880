import { AnabranchError, broadcastTo, concat, expandDims, nn, slice, type Tensor } from "@anabranch/engine";

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
  if (count === 0) return network;
  const weight = nn.parameter(NAME, "weight", [count, width], "embedding", nn.normal(0.02));
  return {
    parameters: [weight, ...network.parameters],
    masks: network.masks,
    apply(parameters, x, context) {
      const [n, length] = x.shape as readonly [number, number];
      const prompts = broadcastTo(expandDims(parameters[weight.name]!, 0), [n, count, width]);
      const seen: Tensor = network.apply(parameters, concat([prompts, x], 1), context);
      return slice(seen, [0, count, 0], [n, count + length, width]);
    },
  };
}

/** The failure of a model that no prompts fit. */
export function noPrompts(model: string): AnabranchError {
  return new AnabranchError({
    code: "adapters/prompts",
    message: "prompts are tokens, which this model does not have",
    where: "adapters.prompts",
    received: `model ${model}`,
    expected: "a built-in transformer: vit or char-transformer",
    advice: "Choose such a model, or low-rank adapters: adapters.rank.",
  });
}
