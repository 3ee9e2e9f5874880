import {
  type ArrayDataset,
  deriveKey,
  rootKey,
  selectRows,
  splitAtRandom,
  splitByClass,
  splitGroupTails,
  type TrainTest,
} from "@anabranch/core/readers";
import { AnabranchError } from "@anabranch/engine";
import { type DatasetPath, numberOption } from "./dataset-name.ts";

/** Fixed for good: which examples are test examples must not change with the seed of a run. */
const splitSeed = 2017;

/** Sets a share of the examples apart as the test set: of each class, or at random where labels are numbers. */
export function split(dataset: ArrayDataset, from: DatasetPath, usual = 0.2): TrainTest {
  const fraction = numberOption(from, "testFraction", usual);
  if (fraction === 0) return withoutTest(dataset);
  const key = deriveKey(rootKey(splitSeed), "split");
  if (dataset.labels.dtype === "float") return splitAtRandom(dataset, fraction, key);
  requireClasses(dataset);
  return splitByClass(dataset, fraction, key);
}

/** Sets the last share of each owner's examples apart. */
export function splitTails<D extends ArrayDataset>(dataset: D, from: DatasetPath): TrainTest<D> {
  const fraction = numberOption(from, "testFraction", 0.1);
  return fraction === 0 ? withoutTest(dataset) : splitGroupTails(dataset, fraction);
}

/** Refuses examples of one class. A client of a live run may have one class alone; a run may not. */
export function requireClasses({ name, classes, classNames, labels }: ArrayDataset): void {
  if (classes > 1 || labels.shape[0] === 0 || labels.dtype === "float") return;
  throw new AnabranchError({
    code: "data/label",
    message: "all examples have one class",
    where: `data set ${name}`,
    received: `the class ${JSON.stringify(classNames?.[0] ?? "0")}`,
    expected: "two classes or more",
    advice: "Check that the label column is the class, or add examples of others.",
  });
}

/** All examples to train on: data of one client of a live run, which has no test set. */
function withoutTest<D extends ArrayDataset>(dataset: D): TrainTest<D> {
  return { train: dataset, test: selectRows(dataset, []) };
}
