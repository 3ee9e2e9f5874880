import { matchedShare } from "../heterogeneity/index.ts";
import type { ClassSums } from "./backend.ts";

/** What a model does on classes that are labelled in training, and on those that never are. */
export interface OpenWorldAccuracies {
  /** Accuracy on examples of labelled classes. */
  readonly seen: number | null;
  /** Share of the other examples whose predicted class is theirs, under the best one-to-one naming of the classes. */
  readonly unseen: number | null;
}

/** Undefined where all classes are labelled, and where predictions were not counted. */
export function openWorldAccuracies(
  { examples, hits, found }: ClassSums,
  unseen: readonly number[],
): OpenWorldAccuracies | undefined {
  if (unseen.length === 0 || found === undefined) return undefined;
  const isUnseen = new Set(unseen);
  const over = (counts: readonly number[], of: boolean) =>
    counts.reduce((sum, count, label) => sum + (isUnseen.has(label) === of ? count : 0), 0);
  const [known, other] = [over(examples, false), over(examples, true)];
  const table = found.map((row) => row.map((count, label) => (isUnseen.has(label) ? count : 0)));
  return {
    seen: known === 0 ? null : over(hits, false) / known,
    unseen: other === 0 ? null : matchedShare(table),
  };
}
