import { AnabranchError } from "@anabranch/engine";
import type { LocalStep, ParameterTensors } from "../algorithms/algorithm.ts";

/** A local step that is watched, and what it has made of some running statistics. */
export interface MovedStatistics {
  readonly local: LocalStep;
  /** After the step. Throws `algorithm/statistics` where it took no gradient. */
  after(): ParameterTensors;
}

/** Watches a step: its first gradient moves the statistics, others of the same step do not. */
export function movedStatistics(local: LocalStep, before: ParameterTensors): MovedStatistics {
  let first: ParameterTensors | undefined;
  const names = Object.keys(before);
  return {
    local: {
      ...local,
      gradient(parameters) {
        const found = local.gradient(parameters);
        first ??= found.statistics;
        return found;
      },
    },
    after() {
      if (names.length === 0) return before;
      if (first === undefined) throw noGradient();
      const now = first;
      return Object.fromEntries(names.map((name) => [name, now[name] ?? before[name]!]));
    },
  };
}

function noGradient(): AnabranchError {
  return new AnabranchError({
    code: "algorithm/statistics",
    message: "the local steps of this method take no gradient, so running statistics would never move",
    received: "a model with batch normalization",
    expected: "a model without running statistics",
    advice: 'Choose another normalization, for example model.norm = "group", or another method.',
  });
}
