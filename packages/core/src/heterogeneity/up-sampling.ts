import { kMeans } from "../data/index.ts";

/**
 * USEFUL's choice of examples to show twice: every class is divided into two groups by what an early model says, and the
 * group with the higher mean loss, which is not learned yet, is repeated. Groups are those of 2-means from the outputs of
 * the least and of the most lossy example; a tie, or an empty group, repeats the second. Smaller classes are left alone.
 *
 * D. Nguyen, P. Haddad, E. Gan, B. Mirzasoleiman, "Changing the Training Data Distribution to Reduce Simplicity Bias
 * Improves In-distribution Generalization", NeurIPS 2024, arXiv:2404.17768. A reconstruction: no code was found.
 *
 * @param outputs softmax outputs [n][C]
 * @param labels [n]
 * @returns places of the examples to repeat once, class by class in ascending order
 * @example
 * ```ts
 * import { harderExamples } from "@anabranch/core";
 * harderExamples([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]], [0, 0, 0], 2); // => [2]
 * ```
 */
export function harderExamples(
  outputs: readonly (readonly number[])[],
  labels: ArrayLike<number>,
  minimumClass: number,
): number[] {
  const classes = [...new Set(Array.from(labels))].sort((a, b) => a - b);
  return classes.flatMap((label) => {
    const members = outputs.flatMap((_, i) => (labels[i] === label ? [i] : []));
    return members.length < Math.max(1, minimumClass) ? [] : harderHalf(members, outputs, label);
  });
}

function harderHalf(members: readonly number[], outputs: readonly (readonly number[])[], label: number): number[] {
  const losses = members.map((i) => -Math.log(outputs[i]![label]!));
  const place = (better: (a: number, b: number) => boolean) =>
    losses.reduce((best, loss, k) => (better(loss, losses[best]!) ? k : best), 0);
  const extremes = [place((a, b) => a < b), place((a, b) => a > b)];
  const points = members.map((i) => outputs[i]!);
  const { labels: groups } = kMeans(
    points,
    extremes.map((k) => points[k]!),
  );
  const [first, second] = [0, 1].map((group) => meanOf(losses.filter((_, k) => groups[k] === group)));
  const harder = first! > second! ? 0 : 1;
  return members.filter((_, k) => groups[k] === harder);
}

/** NaN of no losses, which is neither above nor below others. */
function meanOf(losses: readonly number[]): number {
  return losses.reduce((a, b) => a + b, 0) / losses.length;
}
