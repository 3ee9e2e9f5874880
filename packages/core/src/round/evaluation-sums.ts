import type { ClassSums, EvaluationSums } from "./backend.ts";

/**
 * Adds sums in the given order, which is the same for every number of workers.
 *
 * @example
 * ```ts
 * import { addSums } from "@anabranch/core";
 * const client = { loss: 3, score: 2, examples: 4 };
 * addSums([client, client]); // => { loss: 6, score: 4, examples: 8 }
 * ```
 */
export function addSums(sums: readonly EvaluationSums[]): EvaluationSums {
  let [loss, score, examples] = [0, 0, 0];
  for (const s of sums) {
    loss += s.loss;
    score += s.score;
    examples += s.examples;
  }
  const counted = sums.flatMap(({ classes }) => classes ?? []);
  return { loss, score, examples, ...(counted.length > 0 && { classes: addClasses(counted) }) };
}

function addClasses(sums: readonly ClassSums[]): ClassSums {
  const total = (key: keyof ClassSums) =>
    sums[0]!.examples.map((_, label) => sums.reduce((count, of) => count + of[key][label]!, 0));
  return { examples: total("examples"), hits: total("hits") };
}
