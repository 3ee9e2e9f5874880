import { AnabranchError } from "@anabranch/engine";
import { permutation, type RandomKey, randomStream } from "../random/index.ts";
import { type ArrayDataset, exampleCount, selectRows } from "./dataset.ts";

/**
 * Whose the test examples are: `clients`, where they were split off from examples that clients hold or come from the same
 * owners; `separate`, where they are nobody's data in the federation.
 */
export type TestRows = "clients" | "separate";

/** A training set and the test set that belongs to it. */
export interface TrainTest<D extends ArrayDataset = ArrayDataset> {
  readonly train: D;
  readonly test: D;
  /**
   * A private run releases no metrics on examples of clients. Left out: not known, unless both sets name the same owners.
   * Nodes of a graph are the clients', whatever is said here.
   */
  readonly testRows?: TestRows;
}

/**
 * Splits a data set with one label for each example at random, with the same class shares on both sides: of a class
 * with m examples, round(m * testFraction) go to the test set. Both sides come out in random order.
 *
 * @param testFraction in (0, 1)
 * @example
 * ```ts
 * import { rootKey, splitByClass, syntheticDataset } from "@anabranch/core";
 * const data = syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 10 });
 * const { test } = splitByClass(data, 0.2, rootKey(2));
 * test.labels.data; // => [0, 1]
 * ```
 */
export function splitByClass<D extends ArrayDataset>(dataset: D, testFraction: number, key: RandomKey): TrainTest<D> {
  checkFraction(dataset, testFraction);
  const labels = dataset.labels.data;
  const wanted = new Int32Array(dataset.classes);
  for (const label of labels) wanted[label]!++;
  for (let label = 0; label < wanted.length; label++) wanted[label] = Math.round(wanted[label]! * testFraction);
  const train: number[] = [];
  const test: number[] = [];
  for (const row of permutation(randomStream(key), exampleCount(dataset))) {
    const label = labels[row]!;
    if (wanted[label]! > 0) {
      wanted[label]!--;
      test.push(row);
    } else {
      train.push(row);
    }
  }
  return withTest(dataset, train, test);
}

/**
 * Splits a data set at random, without regard to labels: round(n * testFraction) examples go to the test set. Both sides
 * come out in random order.
 *
 * @example
 * ```ts
 * import { exampleCount, rootKey, splitAtRandom, syntheticDataset } from "@anabranch/core";
 * const data = syntheticDataset(rootKey(1), { shape: [2], classes: 2, examples: 10 });
 * exampleCount(splitAtRandom(data, 0.2, rootKey(2)).test); // => 2
 * ```
 *
 * @param testFraction in (0, 1)
 * @example
 * ```ts
 * import { exampleCount, rootKey, splitAtRandom, syntheticDataset } from "@anabranch/core";
 * const data = syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 10 });
 * const { train, test } = splitAtRandom(data, 0.2, rootKey(2));
 * [exampleCount(train), exampleCount(test)]; // => [8, 2]
 * ```
 */
export function splitAtRandom<D extends ArrayDataset>(dataset: D, testFraction: number, key: RandomKey): TrainTest<D> {
  checkFraction(dataset, testFraction);
  const order = [...permutation(randomStream(key), exampleCount(dataset))];
  const tests = Math.round(order.length * testFraction);
  return withTest(dataset, order.slice(tests), order.slice(0, tests));
}

/**
 * Splits a grouped data set in time: of a group with m examples the last round(m * testFraction) go to the test set. For
 * text, where neighbouring examples continue each other.
 *
 * @param testFraction in (0, 1)
 * @example
 * ```ts
 * import { exampleCount, rootKey, splitGroupTails, syntheticDataset } from "@anabranch/core";
 * const data = syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 10 });
 * const { train } = splitGroupTails({ ...data, groups: Int32Array.of(0, 0, 0, 0, 0, 1, 1, 1, 1, 1) }, 0.2);
 * exampleCount(train); // => 8
 * ```
 */
export function splitGroupTails<D extends ArrayDataset>(dataset: D, testFraction: number): TrainTest<D> {
  checkFraction(dataset, testFraction);
  const groups = dataset.groups ?? new Int32Array(exampleCount(dataset));
  const left = new Map<number, number>();
  for (const group of groups) left.set(group, (left.get(group) ?? 0) + 1);
  const testing = new Map([...left].map(([group, count]) => [group, Math.round(count * testFraction)]));
  const train: number[] = [];
  const test: number[] = [];
  for (const [row, group] of groups.entries()) {
    (left.get(group)! > testing.get(group)! ? train : test).push(row);
    left.set(group, left.get(group)! - 1);
  }
  return withTest(dataset, train, test);
}

function withTest<D extends ArrayDataset>(dataset: D, train: readonly number[], test: readonly number[]): TrainTest<D> {
  const named = selectRows(dataset, test, `${dataset.name} (test)`);
  return { train: selectRows(dataset, train), test: named, testRows: "clients" };
}

function checkFraction(dataset: ArrayDataset, testFraction: number): void {
  if (testFraction > 0 && testFraction < 1) return;
  throw new AnabranchError({
    code: "data/test-fraction",
    message: "the share of test examples is out of range",
    where: `data set ${dataset.name}`,
    received: String(testFraction),
    expected: "a number between 0 and 1",
  });
}
