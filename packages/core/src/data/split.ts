import { AnabranchError } from "@anabranch/engine";
import { permutation, type RandomKey, randomStream } from "../random/index.ts";
import { type ArrayDataset, exampleCount, selectRows } from "./dataset.ts";

export interface TrainTest {
  readonly train: ArrayDataset;
  readonly test: ArrayDataset;
}

/**
 * Splits a data set with one label for each example at random, with the same class shares on both sides: of a class
 * with m examples, round(m * testFraction) go to the test set. Both sides come out in random order.
 *
 * @param testFraction in (0, 1)
 */
export function splitByClass(dataset: ArrayDataset, testFraction: number, key: RandomKey): TrainTest {
  if (!(testFraction > 0 && testFraction < 1)) {
    throw new AnabranchError({
      code: "data/test-fraction",
      message: "the share of test examples is out of range",
      where: `data set ${dataset.name}`,
      received: String(testFraction),
      expected: "a number between 0 and 1",
    });
  }
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
  return { train: selectRows(dataset, train), test: selectRows(dataset, test, `${dataset.name} (test)`) };
}
