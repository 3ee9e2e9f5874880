/**
 * Methods for tasks that come one after the other; quadratics are one task.
 *
 * fot: Y. F. Bakman et al., ICLR 2024, arXiv:2309.01289. A stream of tasks on layers is derived beside its simulation.
 */
import { mean, plus } from "./plain.ts";
import { type Oracle, plainUpdate, rounds } from "./problem.ts";

/** Nothing is known of earlier tasks: no part of the mean update is removed. */
const fot: Oracle = (problem, options) => {
  const etaG = options.number("serverLearningRate", 1);
  return rounds(problem, (x, cohort) => {
    const updates = cohort.map((i) => plainUpdate(problem, i, x));
    return plus(x, mean(updates), etaG);
  });
};

export const continual = { fot };
