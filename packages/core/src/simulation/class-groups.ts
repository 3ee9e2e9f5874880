import type { Config } from "../config/index.ts";
import { type ClassGroup, classGroups } from "../data/partitioners/index.ts";
import { type Model, singleLabelClasses } from "../models/model.ts";
import type { Federation } from "./federation.ts";

/** Data are long-tailed where the commonest class has this many times the examples of the rarest. */
const LONG_TAILED = 5;

/** Examples of each class that clients train on, all together, [classes]. */
export function trainingCounts({ counts }: Federation["statistics"], classes: number): number[] {
  return Array.from({ length: classes }, (_, label) => counts.reduce((sum, client) => sum + (client[label] ?? 0), 0));
}

/**
 * Which classes are common and which are rare among the examples that clients train on. Undefined where they are about
 * equally common or not known, and in private runs, where their sizes are for nobody to see.
 */
export function groupsOfClasses(
  { privacy, secureAggregation }: Config,
  model: Model,
  { statistics, dataset }: Federation,
): readonly ClassGroup[] | undefined {
  const classes = singleLabelClasses(model);
  const isPrivate = privacy.mechanism !== "none" || secureAggregation.protocol !== "none";
  if (classes === undefined || dataset === undefined || isPrivate) return undefined;
  const sizes = trainingCounts(statistics, classes);
  const largest = Math.max(...sizes);
  return largest > 0 && largest >= LONG_TAILED * Math.min(...sizes) ? classGroups(sizes) : undefined;
}
