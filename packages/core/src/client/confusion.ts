import { div, greater, maximum, mul, sum, where } from "@anabranch/engine";
import { confusionDirection, confusionSums } from "../heterogeneity/index.ts";
import { entryView, layout } from "../params/layout.ts";
import { zerosLike } from "../params/vector.ts";
import type { RoundStatistic, TracedExamples } from "./round-statistic.ts";

/**
 * The confusion-aware spectral regulariser (CAR) as a term of the training loss: lambda <G, C> with the soft confusion matrix C
 * of a mini-batch and the gradient G of the spectral norm of the matrix of all clients, weighted by class. The released code
 * has a moving average over batches in place of that matrix, which here is of all examples and one round old.
 */
export function confusionStatistic(classes: number, strength: number): RoundStatistic {
  const spec = (name: string, shape: readonly number[]) => ({ name, shape, role: "vector", block: name }) as const;
  const up = layout([spec("counts", [classes]), spec("sums", [classes, classes])]);
  const [counts, sums] = up.entries;
  const measured = ({ outputs, labels, weights }: TracedExamples) =>
    confusionSums(outputs, labels, where(greater(weights, 0), 1, 0));
  return {
    name: "confusion",
    key: "training.loss.confusion",
    upload: { layout: up, aggregation: "sum", classStatistics: true },
    broadcast: layout([spec("direction", [classes, classes])]),
    measure: (all) => ({ ...measured(all) }),
    penalty(batch, given) {
      const found = measured(batch);
      const matrix = div(found.sums, maximum(found.counts, 1));
      return mul(strength, sum(mul(given["direction"]!, matrix)));
    },
    next(aggregate, before) {
      const next = zerosLike(before);
      next.set(confusionDirection(entryView(aggregate, sums!), entryView(aggregate, counts!)));
      return next;
    },
  };
}
