import { constant, mul } from "@anabranch/engine";
import type { ParameterTensors } from "../algorithms/algorithm.ts";
import { alignmentPenalty, curvatureOf } from "../heterogeneity/index.ts";
import { type Layout, layout } from "../params/layout.ts";
import type { RoundStatistic, TracedExamples } from "./round-statistic.ts";

/** How much clients that disagree in the gradient of the head cost, and in its Hessian along that gradient. */
export interface AlignmentStrengths {
  /** beta */
  readonly gradient: number;
  /** alpha */
  readonly hessian: number;
}

const KNOWN = "known";
const [GRADIENT, SECOND] = ["gradient.", "second."] as const;

/**
 * Hessian alignment as a term of the training loss: beta |g - mean g|^2 + alpha |H g - mean H g|^2 for the gradient g and the
 * Hessian H of a mini-batch's loss by the parameters of the head. The means are over the clients of the last round, under the
 * model that they received.
 *
 * S. Hemati, G. Zhang, A. Estiri, X. Chen, "Understanding Hessian Alignment for Domain Generalization", ICCV 2023. The paper
 * has all domains in one place and means of the present step. The federated form is a reconstruction.
 *
 * @param head parameters that are compared
 */
export function alignmentStatistic(head: Layout, { gradient, hessian }: AlignmentStrengths): RoundStatistic {
  const both = [GRADIENT, SECOND].flatMap((prefix) => {
    return head.entries.map(({ name, ...entry }) => ({ ...entry, name: prefix + name }));
  });
  // the mean of ones says that there are means
  const all = layout([...both, { name: KNOWN, shape: [], role: "vector", block: KNOWN }]);
  const part = (tensors: ParameterTensors, prefix: string) =>
    Object.fromEntries(head.entries.map(({ name }) => [name, tensors[prefix + name]!]));
  const curvature = ({ loss, parameters }: TracedExamples) => curvatureOf(loss, part(parameters, ""), "hgp");
  return {
    name: "alignment",
    key: "training.alignment",
    upload: { layout: all, aggregation: "uniformMean" },
    broadcast: all,
    measure(examples) {
      const own = curvature(examples);
      return { ...prefixed(GRADIENT, own.gradient), ...prefixed(SECOND, own.second), [KNOWN]: constant(1) };
    },
    penalty(batch, given) {
      const mean = { gradient: part(given, GRADIENT), second: part(given, SECOND) };
      return mul(given[KNOWN]!, alignmentPenalty(curvature(batch), mean, hessian, gradient));
    },
    next: (aggregate) => aggregate,
  };
}

function prefixed(prefix: string, tensors: ParameterTensors): ParameterTensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [prefix + name, tensor]));
}
