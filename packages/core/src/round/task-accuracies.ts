import { endsTask, type TaskStream, taskOfRound } from "../data/task-stream.ts";
import type { EvaluationSums } from "./backend.ts";

/** What a model does on the tasks that it was trained on so far. */
export interface TaskAccuracies {
  /** Accuracy on each task so far, in order. */
  readonly accuracies: (number | null)[];
  /** Their mean (ACC). */
  readonly mean: number | null;
  /** Mean over earlier tasks of the accuracy right after a task was learned less that of now; absent during the first. */
  readonly forgetting?: number | null;
}

/**
 * Accuracies after a round on all tasks so far, and the accuracies at the end of each task with this round's.
 *
 * @param learned accuracies at the end of each earlier task
 */
export function taskAccuracies(
  stream: Pick<TaskStream, "tasks" | "roundsPerTask">,
  round: number,
  tasks: readonly EvaluationSums[],
  learned: readonly (number | null)[],
): { readonly now: TaskAccuracies; readonly learned: readonly (number | null)[] } {
  const task = taskOfRound(stream, round);
  const accuracies = tasks.slice(0, task + 1).map(({ score, examples }) => (examples === 0 ? null : score / examples));
  const lost = accuracies.slice(0, task).map((accuracy, i) => difference(learned[i], accuracy));
  const now = {
    accuracies,
    mean: meanOf(accuracies),
    ...(lost.length > 0 && { forgetting: meanOf(lost) }),
  };
  return { now, learned: endsTask(stream, round) ? [...learned.slice(0, task), accuracies[task]!] : learned };
}

function difference(before: number | null | undefined, after: number | null): number | null {
  return before == null || after === null ? null : before - after;
}

/** Null where one is not known. */
function meanOf(values: readonly (number | null)[]): number | null {
  const sum = values.reduce((total, value) => (total === null || value === null ? null : total + value), 0);
  return sum === null ? null : sum / values.length;
}
