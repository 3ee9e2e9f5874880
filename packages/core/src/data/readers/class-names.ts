import { AnabranchError, type HostTensor } from "@anabranch/engine";
import type { ArrayDataset } from "../dataset.ts";
import { readerLimits, requireAtMost } from "./limits.ts";
import { listed } from "./text.ts";

/** A data set whose classes were named in the source. */
export interface NamedDataset extends ArrayDataset {
  /** Name of each class, by label. */
  readonly classNames: readonly string[];
}

/**
 * Numbers class names: in numerical order where all are numbers, otherwise by code unit.
 *
 * @param values [n] the name of each example's class
 * @param known the order to use, e.g. that of the training set when reading the test set
 * @throws `data/label` for a class that is not in `known`, `data/too-large` for too many classes
 * @returns labels [n] (uint8 up to 256 classes, otherwise int32) and the names in order
 */
export function numberClasses(
  values: readonly string[],
  known: readonly string[] | undefined,
  where: string,
): { labels: HostTensor; classNames: readonly string[] } {
  const classNames = known ?? sortNames([...new Set(values)]);
  const advice = "Check that this column is the class: every different value is an output of the model.";
  requireAtMost(readerLimits.classes, classNames.length, "classes", where, advice);
  const numbers = new Map(classNames.map((name, label) => [name, label]));
  const data = classNames.length <= 256 ? new Uint8Array(values.length) : new Int32Array(values.length);
  for (const [i, value] of values.entries()) {
    const label = numbers.get(value);
    if (label === undefined) {
      throw new AnabranchError({
        code: "data/label",
        message: `example ${i} has an unknown class`,
        where,
        received: JSON.stringify(value.slice(0, 80)),
        expected: `one of ${listed(classNames)}`,
      });
    }
    data[i] = label;
  }
  const dtype = data instanceof Uint8Array ? "uint8" : "int32";
  return { labels: { dtype, shape: [values.length], data }, classNames };
}

/** Numbers owners in order of appearance. */
export function groupsOf(names: readonly string[]): { groups: Int32Array; groupNames: string[] } {
  const numbers = new Map<string, number>();
  const groups = Int32Array.from(names, (name) => {
    if (!numbers.has(name)) numbers.set(name, numbers.size);
    return numbers.get(name)!;
  });
  return { groups, groupNames: [...numbers.keys()] };
}

/** Sorts in place: in numerical order where all are numbers, otherwise by code unit. */
export function sortNames(names: string[]): string[] {
  const numeric = names.every((name) => name.trim() !== "" && Number.isFinite(Number(name)));
  return numeric ? names.sort((a, b) => Number(a) - Number(b)) : names.sort();
}
