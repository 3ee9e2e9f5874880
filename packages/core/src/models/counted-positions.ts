import {
  argmax,
  cast,
  constant,
  div,
  equal,
  maximum,
  mul,
  softmaxCrossEntropy,
  sub,
  sum,
  type Tensor,
} from "@anabranch/engine";
import type { Model } from "./model.ts";

const NO_LABEL = -1;

/**
 * Losses and scores of models whose outputs are logits [N, T, classes] for labels [N, T], of which some may not count. The
 * loss of an example is the mean over those that do.
 *
 * With the score "exact" an example counts 1 if every token that counts is the most likely one. For a causal model and an
 * answer with its end this is the exact match of greedy decoding: a decoded token is right only after right ones, so each
 * is predicted from the same text as here.
 */
export function countedPositions({
  classes,
  ignoredLabel,
  score,
}: {
  readonly classes: number;
  readonly ignoredLabel: number | undefined;
  readonly score: "share" | "exact";
}): Pick<Model, "classes" | "losses" | "scores" | "ignoredLabel"> {
  const ignored = constant(ignoredLabel ?? NO_LABEL, [], "int32");
  const perExample = (values: Tensor, labels: Tensor) => {
    const counts = sub(1, cast(equal(labels, ignored), "float"));
    return { total: sum(mul(values, counts), [1]), count: maximum(sum(counts, [1]), 1) };
  };
  return {
    classes,
    ignoredLabel,
    losses(logits, given) {
      const labels = cast(given, "int32");
      const { total, count } = perExample(softmaxCrossEntropy(logits, labels), labels);
      return div(total, count);
    },
    scores(logits, given) {
      const labels = cast(given, "int32");
      const { total, count } = perExample(cast(equal(argmax(logits, -1), labels), "float"), labels);
      return score === "share" ? div(total, count) : cast(equal(total, count), "float");
    },
  };
}
