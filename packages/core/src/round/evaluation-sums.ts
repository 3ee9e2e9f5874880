import type { EvaluationSums } from "./backend.ts";

/** Adds sums in the given order, which is the same for every number of workers. */
export function addSums(sums: readonly EvaluationSums[]): EvaluationSums {
  let [loss, score, examples] = [0, 0, 0];
  for (const s of sums) {
    loss += s.loss;
    score += s.score;
    examples += s.examples;
  }
  return { loss, score, examples };
}
