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
  const tasks = sums[0]?.tasks?.map((_, task) => addSums(sums.flatMap((each) => each.tasks?.[task] ?? [])));
  return {
    loss,
    score,
    examples,
    ...(counted.length > 0 && { classes: addClasses(counted) }),
    ...(tasks && { tasks }),
  };
}

/**
 * Sums over a test set from those of its chunks; where these are of several tasks, as many chunks of each (`clients`), also
 * task by task.
 *
 * @example
 * ```ts
 * import { testSums } from "@anabranch/core";
 * const chunks = [3, 1].map((score) => ({ loss: 2, score, examples: 4 }));
 * testSums({ stream: { tasks: 2, clients: 1 } }, chunks).tasks?.map(({ score }) => score); // => [3, 1]
 * ```
 */
export function testSums(
  { stream }: { readonly stream?: { readonly tasks: number; readonly clients: number } | undefined },
  chunks: readonly EvaluationSums[],
): EvaluationSums {
  const sums = addSums(chunks);
  if (stream === undefined) return sums;
  const tasks = Array.from({ length: stream.tasks }, (_, task) =>
    addSums(chunks.slice(task * stream.clients, (task + 1) * stream.clients)),
  );
  return { ...sums, tasks };
}

function addClasses(sums: readonly ClassSums[]): ClassSums {
  const total = (key: "examples" | "hits") =>
    sums[0]!.examples.map((_, label) => sums.reduce((count, of) => count + of[key][label]!, 0));
  const found = sums[0]!.found?.map((row, predicted) =>
    row.map((_, label) => sums.reduce((count, of) => count + of.found![predicted]![label]!, 0)),
  );
  return { examples: total("examples"), hits: total("hits"), ...(found && { found }) };
}
