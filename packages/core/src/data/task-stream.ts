import { AnabranchError, type HostTensor } from "@anabranch/engine";
import { deriveKey, permutation, type RandomKey, randomStream } from "../random/index.ts";
import { type ArrayDataset, exampleSize } from "./dataset.ts";

export const streamKinds = ["none", "permuted-pixels", "split-classes"] as const;

/** Tasks that come one after the other, each for so many rounds. */
export interface StreamSettings {
  readonly kind: (typeof streamKinds)[number];
  readonly tasks: number;
  readonly roundsPerTask: number;
}

/** What the examples of each task are, as plain data. */
export interface TaskStream extends Omit<StreamSettings, "kind"> {
  /** Permuted pixels: which feature of an example comes at each place, by task. Absent: all are in place. */
  readonly orders?: readonly Int32Array[];
  /** Split classes: classes of a task, in the order of their numbers. Absent: a task has all classes. */
  readonly classesPerTask?: number;
}

/**
 * A stream of tasks over one data set:
 *
 * - "permuted-pixels": the features of every example are in another order, drawn from the key; the first task has them in
 *   place. Every client has all of its examples in every task.
 * - "split-classes": of T tasks each has C / T of the C classes, in the order of their numbers, and no others.
 *
 * I. J. Goodfellow, M. Mirza, D. Xiao, A. Courville, Y. Bengio, "An Empirical Investigation of Catastrophic Forgetting in
 * Gradient-Based Neural Networks", ICLR 2014, arXiv:1312.6211.
 *
 * @throws `data/task-stream` for data that a kind cannot have
 */
export function openTaskStream(
  { kind, ...settings }: StreamSettings,
  train: ArrayDataset,
  key: RandomKey,
): TaskStream | undefined {
  if (kind === "none") return undefined;
  requireFit(kind, settings.tasks, train);
  if (kind === "split-classes") return { ...settings, classesPerTask: train.classes / settings.tasks };
  const size = exampleSize(train.features);
  const inPlace = Int32Array.from({ length: size }, (_, place) => place);
  const orders = Array.from({ length: settings.tasks }, (_, task) =>
    task === 0 ? inPlace : permutation(randomStream(deriveKey(key, "permutation", task)), size),
  );
  return { ...settings, orders };
}

/**
 * The task of a round, from 0; rounds count from 1. The last one continues.
 *
 * @example
 * ```ts
 * import { taskOfRound } from "@anabranch/core";
 * [1, 3, 4, 9].map((round) => taskOfRound({ tasks: 2, roundsPerTask: 3 }, round)); // => [0, 0, 1, 1]
 * ```
 */
export function taskOfRound(
  { tasks, roundsPerTask }: Pick<TaskStream, "tasks" | "roundsPerTask">,
  round: number,
): number {
  return Math.min(tasks - 1, Math.floor((round - 1) / roundsPerTask));
}

/**
 * Whether a task ends with this round.
 *
 * @example
 * ```ts
 * import { endsTask } from "@anabranch/core";
 * [2, 3, 6, 9].map((round) => endsTask({ tasks: 2, roundsPerTask: 3 }, round)); // => [false, true, true, false]
 * ```
 */
export function endsTask(
  { tasks, roundsPerTask }: Pick<TaskStream, "tasks" | "roundsPerTask">,
  round: number,
): boolean {
  return round % roundsPerTask === 0 && round <= tasks * roundsPerTask;
}

/** Which of some rows belong to a task. */
export function rowsOfTask(
  { classesPerTask }: TaskStream,
  task: number,
  labels: HostTensor,
  rows: Int32Array,
): Int32Array {
  if (classesPerTask === undefined) return rows;
  return rows.filter((row) => Math.floor(labels.data[row]! / classesPerTask) === task);
}

/** Puts the features of each example in the order of a task, in place; `features` are those of some examples. */
export function orderFeatures({ orders }: TaskStream, task: number, features: HostTensor["data"]): void {
  const order = orders?.[task];
  if (order === undefined) return;
  for (let offset = 0; offset < features.length; offset += order.length) {
    const values = features.subarray(offset, offset + order.length);
    const before = values.slice();
    for (let place = 0; place < order.length; place++) values[place] = before[order[place]!]!;
  }
}

function requireFit(
  kind: StreamSettings["kind"],
  tasks: number,
  { name, features, labels, classes, text }: ArrayDataset,
): void {
  const refuse = (received: string, expected: string, advice: string): never => {
    throw new AnabranchError({
      code: "data/task-stream",
      message: "this stream of tasks does not fit the data",
      where: `taskStream.kind = "${kind}", data set ${name}`,
      received,
      expected,
      advice,
    });
  };
  const remove = "Take other data, or remove the section [taskStream].";
  if (labels.dtype === "float") refuse("numbers to predict", "classes", remove);
  if (labels.shape.length > 1) refuse("several labels per example", "one class for each example", remove);
  if (kind === "permuted-pixels" && features.dtype === "int32") refuse("indices", "images or float features", remove);
  if (kind === "permuted-pixels" && text !== undefined) refuse("words", "images or float features", remove);
  if (kind === "split-classes" && classes % tasks !== 0)
    refuse(
      `${tasks} tasks of ${classes} classes`,
      "a number of tasks that divides the classes",
      `Set taskStream.tasks to ${divisors(classes).join(" or ")}.`,
    );
}

function divisors(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1).filter((tasks) => count % tasks === 0);
}
