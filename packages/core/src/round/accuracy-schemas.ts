/** What events have of accuracies. */
import * as z from "zod";

/** A measured number, null where there is none. NaN and infinities are allowed here and become null in JSON. */
export const real = z.custom<number | null>(
  (value) => typeof value === "number" || value === null,
  "no number and not null",
);

/** Accuracy of the worst class; of long-tailed data also the means over head, middle and tail classes. */
export const classAccuracies = z.object({
  worst: real,
  head: real.optional(),
  middle: real.optional(),
  tail: real.optional(),
});

/** Accuracy on labelled classes and clustering accuracy on the others: see `round/open-world-accuracies.ts`. */
export const openWorldAccuracies = z.object({ seen: real, unseen: real });

/** Of a stream of tasks: accuracy on each task so far, their mean (ACC), and forgetting: see `round/task-accuracies.ts`. */
export const taskAccuracies = z.object({ accuracies: z.array(real), mean: real, forgetting: real.optional() });
