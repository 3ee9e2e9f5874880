import type { ClassGroup } from "../data/partitioners/long-tail-sizes.ts";
import type { ClassSums } from "./backend.ts";

/** Accuracies by class: of the worst, and means over common, less common and rare classes where the data are long-tailed. */
export type ClassAccuracies = { readonly worst: number } & Readonly<Partial<Record<ClassGroup, number>>>;

/**
 * What the accuracies of single classes come to. Each class counts alike, however many examples it has; classes without
 * examples are left out.
 *
 * @param groups of each class, in the data that clients train on; absent: they are not long-tailed
 */
export function classAccuracies({ examples, hits }: ClassSums, groups?: readonly ClassGroup[]): ClassAccuracies {
  const known = examples.flatMap((count, label) => (count === 0 ? [] : [{ label, accuracy: hits[label]! / count }]));
  const worst = known.reduce((least, { accuracy }) => Math.min(least, accuracy), 1);
  if (groups === undefined) return { worst };
  const mean = (group: ClassGroup) => {
    const own = known.filter(({ label }) => groups[label] === group);
    return own.length === 0 ? {} : { [group]: own.reduce((sum, { accuracy }) => sum + accuracy, 0) / own.length };
  };
  return { worst, ...mean("head"), ...mean("middle"), ...mean("tail") };
}
